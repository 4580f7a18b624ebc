// What has become of the datagrams that a collector got: read or malformed, and by the senders' numbering
// (telemetry/report.hpp: 22 bits for each node and hardware) missing, late, or begun anew.
//
// Reports carry no proof of who sent them. All that can be told is that one node's come from two addresses:
// two nodes of one id, a node that moved, or a forger. Those are counted and do not touch the node's
// numbering.
//
// Memory is bounded whatever arrives: at most `most_streams` numberings are followed. Owner: one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "telemetry/report.hpp"

namespace braidway::ctrl::collect {

inline constexpr std::size_t most_streams = 4096;

struct Counters {
  std::uint64_t datagrams = 0;
  std::uint64_t reports = 0;
  std::uint64_t missing = 0;       ///< datagrams: numbers that were left out
  std::uint64_t late = 0;          ///< came after ones numbered higher, and was missing before; or came twice
  std::uint64_t restarted = 0;     ///< numberings that jumped back: the node has begun anew
  std::uint64_t other_sender = 0;  ///< datagrams of a node from another address than its first
  std::uint64_t not_followed = 0;  ///< datagrams whose numbering had no room
  std::uint64_t overflowed = 0;    ///< datagrams that the kernel dropped, for they were not read fast enough
  std::array<std::uint64_t, telemetry::report_defect_names.size()> malformed{};  ///< by ReportDefect
};

class Ledger {
 public:
  /// A datagram whose group header was read. `sender`: its address, without the port. False: the node is
  /// another sender's.
  bool enter(const telemetry::ReportGroup& group, const std::string& sender);
  void malformed(telemetry::ReportDefect defect) { ++counters.malformed[static_cast<std::size_t>(defect)]; }

  Counters counters;

 private:
  struct Stream {
    std::string sender;
    std::uint32_t next;
  };

  std::map<std::uint64_t, Stream> streams_;  ///< by node and hardware
};

}  // namespace braidway::ctrl::collect
