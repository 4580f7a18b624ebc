// The command line of braidway-fabric.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "bench/fabric/config.hpp"

namespace braidway::bench::fabric {

struct Options {
  std::string scenario;  ///< or a topology and flows of the user's own:
  std::string topology_file;
  std::string flow_file;
  std::string cdf_file;      ///< or, in place of the flows, the sizes of such as arrive at random,
  Nanoseconds duration = 0;  ///< for so long
  std::string flow_list_out;
  std::vector<NodeIndex> leaf_spine;  ///< or a topology to be written: hosts a leaf, leaves, spines
  NodeIndex fat_tree = 0;             ///< or this: ports a switch
  std::string topology_out;           ///< where to
  std::vector<std::string> schemes;   ///< none: the scenario's, or ecmp
  std::uint64_t seed = 1;             ///< the first
  std::uint64_t seeds = 0;            ///< how many, counting up; 0: the scenario's, or one
  std::uint64_t load =
      0;  ///< percent: which of the scenario's, or to be written into the JSON; 0: none named
  double measure_from = 0;  ///< seconds
  std::string anchors_folder = "bench/fabric/anchors";
  std::string completion_file;
  std::string json_file;
  std::string utilisation_file;
  std::string foresight_file;
  unsigned threads = 0;
  Config config;
};

/// The options, or the exit code of a program that has said all it has to.
[[nodiscard]] std::variant<Options, int> parse_options(int argc, char** argv);

}  // namespace braidway::bench::fabric
