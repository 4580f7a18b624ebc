// From the meters of all lanes to what a feedback says of the paths of one peer (message.hpp): counts summed
// over lanes, delays, queues and hold times since the record before; and what was last told of utilisation,
// if anything was.
//
// Lanes see a path's packets at different times, so each knows another marking period as the last complete
// one. The latest of these is complete for the path: a lane that has seen nothing of it yet will not, but for
// what is late anyway. Each lane is asked what it would say had the latest packet of all come to it.
//
// Pure; owner: the thread that writes the peer's messages, which may be another than the meters'. All memory
// at construction.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lb/types.hpp"
#include "telemetry/message.hpp"
#include "telemetry/path_meter.hpp"
#include "telemetry/source_clock.hpp"

namespace braidway::telemetry {

class FeedbackRecords {
 public:
  /// Of the meters' peer number `peer`, whose clock is `source`. Meters and clock outlive this. `full`: what
  /// hops say of an egress that is in full use, at least 1.
  FeedbackRecords(std::span<PathMeters* const> lanes, std::size_t peer, const SourceClock& source,
                  std::uint32_t full = utilisation_percent);

  /// The path's record for the next message. `heard`: a probe or a message has come by it since the record
  /// before.
  PathRecord next(lb::PathId path, bool heard, lb::Nanoseconds now) noexcept;

 private:
  struct Told {
    std::uint64_t packets = 0;
    std::uint64_t timed = 0;
    std::uint64_t overtaken = 0;
    std::uint64_t delay_sum = 0;
  };

  static void add_mean(const PathTotals& totals, Told& told, PathRecord& record) noexcept;
  void add_counts(std::uint32_t meter, lb::Nanoseconds now, PathRecord& record) noexcept;

  [[nodiscard]] std::uint8_t share_of(std::uint32_t utilisation) const noexcept;

  std::vector<PathMeters*> lanes_;
  std::size_t peer_;
  std::uint32_t full_;
  const SourceClock* source_;
  std::vector<Told> told_;             ///< by path
  std::vector<MarkedPackets> marked_;  ///< of the record in hand, by lane
};

}  // namespace braidway::telemetry
