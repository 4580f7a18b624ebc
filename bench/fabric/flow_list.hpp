// The messages to be sent, in the format of the ConWeave authors' simulator:
//   flows
//   one line a flow: source destination priority bytes start(s)      as `12 1 3 6434 2.000000067`
// Immutable after reading; any thread.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "bench/fabric/topology.hpp"
#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

/// Flows of a list.
inline constexpr std::uint64_t max_flows = 100'000'000;
/// The longest RDMA message.
inline constexpr std::uint64_t max_message_bytes = std::uint64_t{1} << 31;

struct Flow {
  NodeIndex source;
  NodeIndex destination;
  std::uint32_t bytes;  ///< of payload, at least 1
  Nanoseconds start;
  std::uint16_t source_port;       ///< UDP: 10000 and up, by source in order of start
  std::uint16_t destination_port;  ///< 100 and up, by destination in order of start
};

/// Puts flows in order of start (those of the same time stay as they are) and gives them their UDP ports.
void arrange(std::vector<Flow>& flows);

/// A list that read_flows() reads back just as it is: of arranged flows with starts, none later than a
/// million seconds.
void write_flows(std::ostream& out, const std::vector<Flow>& flows);

/// Arranged. Throws InputError.
[[nodiscard]] std::vector<Flow> read_flows(const std::string& file, const Topology& topology);

}  // namespace braidway::bench::fabric
