// What a run came to: read off the two engines and their channels, judged, and written out.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "bench/traffic/channel.hpp"
#include "bench/traffic/host.hpp"

namespace braidway::bench::traffic {

/// Both directions together. sent = delivered + lost.
struct Results {
  double seconds = 0;
  std::uint32_t qps = 0;
  std::uint64_t sent = 0;            ///< RoCEv2 frames handed to the ports
  std::uint64_t delivered = 0;       ///< of those, arrived, damaged ones included, copies not
  std::uint64_t lost = 0;            ///< of those, never arrived
  std::uint64_t reordered = 0;       ///< arrived after a frame of their flow that was sent later
  std::uint64_t duplicates = 0;      ///< arrived more often than they were sent
  std::uint64_t retransmitted = 0;   ///< requests and responses that were sent again
  std::uint64_t icrc_errors = 0;     ///< arrived with a wrong length, checksum or ICRC
  std::uint64_t payload_errors = 0;  ///< right ICRC, wrong bytes
  std::uint64_t protocol_errors =
      0;  ///< right ICRC, wrong opcode, length, address, PSN or MSN; or never sent by us
  std::uint64_t naks = 0;
  std::uint64_t implied_naks = 0;  ///< acknowledgements that came before an earlier response
  std::uint64_t timeouts = 0;
  std::uint64_t foreign = 0;   ///< frames that are none of ours
  std::uint64_t messages = 0;  ///< acknowledged or answered
  std::uint64_t bytes = 0;     ///< payload of WRITE, SEND and READ, each byte once
  bool finished = true;        ///< every message that was begun has been completed

  /// Nothing lost, reordered, doubled or damaged on the way.
  bool clean() const noexcept {
    return finished && lost == 0 && reordered == 0 && duplicates == 0 && icrc_errors == 0 &&
           payload_errors == 0 && protocol_errors == 0 && sent == delivered;
  }
};

/// `there`: from the client to the server; `back`: the other way.
Results collect(const Channel& there, const Channel& back, const Host& client, const Host& server);

/// One JSON object, the fields as above.
std::string to_json(const Results& results);
/// For people.
void print_summary(std::ostream& out, const Results& results);

}  // namespace braidway::bench::traffic
