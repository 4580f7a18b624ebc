// What the command line asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "bench/traffic/frame.hpp"
#include "bench/traffic/message.hpp"
#include "bench/traffic/requester.hpp"

namespace braidway::bench::traffic {

struct Options {
  std::string client_device;  ///< DPDK devargs
  std::string server_device;
  Schedule schedule{.qps = 64, .message_bytes = 65536};
  Pace pace;
  bool both_ways = false;  ///< the server's QPs send requests, too
  IpVersion ip = IpVersion::v4;
  std::uint32_t seconds = 10;       ///< 0: until SIGINT or SIGTERM
  std::uint32_t wait_seconds = 20;  ///< for the devices, their links, and the way between them
  std::string json_file;            ///< empty: none
  bool progress = false;
  bool hold = false;  ///< wait for a line on stdin when both ports are up
  std::string cores;  ///< CPU list the thread may run on; empty: all that the process may use
  bool no_huge = false;
};

/// The options, or the exit code after --help (0) or bad usage (2), what is wrong having been printed.
std::variant<Options, int> parse_options(int argc, char** argv);

}  // namespace braidway::bench::traffic
