// The client's half of RC (IBTA 9.7): sends requests, takes acknowledgements and responses, goes back N
// on a NAK, on a gap in the responses and on a time-out. Bytes in, bytes out, time as argument. Owner: one
// thread. No allocation after construction.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/traffic/channel.hpp"
#include "bench/traffic/message.hpp"
#include "bench/traffic/qp_queue.hpp"
#include "lb/types.hpp"

namespace braidway::bench::traffic {

struct Pace {
  std::uint32_t window =
      16;  ///< packets (PSNs) of one QP that may be unacknowledged; a READ alone may be longer
  std::uint32_t outstanding = 256;  ///< the same over all QPs: what the rings on the way hold without loss
  double packets_per_second = 0;    ///< PSNs begun per second; 0: as fast as acknowledgements allow
  lb::Nanoseconds timeout{500'000'000};  ///< without progress, then back to the oldest unacknowledged packet
  /// After a gap a QP is silent for so long before it sends again: an overtaken original arrives in this time
  /// and is told from a copy. RNICs do not wait; nothing is measured here while something is lost.
  lb::Nanoseconds settle{10'000'000};
};

/// Frames of one flow that may be under way in one direction, retries and acknowledgements included; see
/// Ledger.
inline std::uint32_t ledger_depth(const Schedule& schedule, const Pace& pace) noexcept {
  const std::uint64_t most = std::max<std::uint64_t>(pace.window, schedule.packets_per_message());
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(most, pace.outstanding) * 2 + 8);
}

class Requester {
 public:
  Requester(const Schedule& schedule, const Pace& pace, Channel& requests, Channel& responses);

  /// Writes the next frame into `buffer`; 0 where there is nothing to send now.
  std::size_t poll(lb::Nanoseconds now, std::span<std::byte> buffer) noexcept;
  /// Takes a frame that came from the server.
  void receive(lb::Nanoseconds now, std::span<const std::byte> bytes) noexcept;
  /// Time-outs and silences; call at least every millisecond.
  void tick(lb::Nanoseconds now) noexcept;

  /// Begin no further message.
  void stop() noexcept { stopping_ = true; }
  /// Everything that was begun has been acknowledged. Only after stop().
  bool drained() const noexcept { return in_flight_ == 0 && ready_.empty() && silent_.empty(); }

  std::uint64_t messages() const noexcept { return messages_; }  ///< completed
  std::uint64_t retransmitted() const noexcept { return retransmitted_; }
  std::uint64_t timeouts() const noexcept { return timeouts_; }
  /// Times that an acknowledgement came before the response of an earlier READ or atomic (IBTA 9.7.5.2.2).
  std::uint64_t implied_naks() const noexcept { return implied_naks_; }
  std::uint64_t in_flight() const noexcept { return in_flight_; }  ///< PSNs unacknowledged

 private:
  struct Qp {
    std::uint64_t unacknowledged = 0;  ///< position of the oldest
    std::uint64_t next = 0;            ///< position to send next
    std::uint64_t high = 0;            ///< one past the highest ever sent
    std::uint64_t restart = 0;         ///< where it last went back to
    std::int64_t progress_at = 0;
    std::int64_t silent_until = 0;
    bool silent = false;
  };

  std::uint64_t sendable(const Qp& qp, std::uint32_t index) const noexcept;
  std::size_t send(Qp& qp, std::uint32_t index, std::uint64_t psns, std::span<std::byte> buffer) noexcept;
  void acknowledge(std::int64_t now, Qp& qp, std::uint32_t index, std::uint64_t upto) noexcept;
  void advance(std::int64_t now, Qp& qp, std::uint32_t index, std::uint64_t upto) noexcept;
  void go_back(std::int64_t now, Qp& qp, std::uint32_t index) noexcept;
  void take_acknowledgement(std::int64_t now, Qp& qp, const Channel::Arrival& arrival,
                            std::uint64_t at) noexcept;
  void take_response(std::int64_t now, Qp& qp, const Channel::Arrival& arrival, std::uint64_t at) noexcept;
  void take_atomic_response(std::int64_t now, Qp& qp, const Channel::Arrival& arrival,
                            std::uint64_t at) noexcept;
  bool plausible_msn(const Qp& qp, std::span<const std::byte> aeth, std::uint64_t upto) const noexcept;

  Segmenter segments_;
  Pace pace_;
  Channel& requests_;
  Channel& responses_;
  std::vector<Qp> qps_;
  QpQueue ready_;
  QpQueue silent_;  ///< in the order in which they may send again
  std::uint64_t in_flight_ = 0;
  std::uint32_t burst_ = 0;  ///< frames in a row of the QP at the front
  double tokens_ = 0;
  std::int64_t refilled_at_ = 0;  ///< 0: never
  std::int64_t scanned_at_ = 0;
  std::uint32_t scan_next_ = 0;
  bool stopping_ = false;
  std::uint64_t messages_ = 0;
  std::uint64_t retransmitted_ = 0;
  std::uint64_t timeouts_ = 0;
  std::uint64_t implied_naks_ = 0;
};

}  // namespace braidway::bench::traffic
