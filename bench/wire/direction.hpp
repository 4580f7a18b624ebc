// One direction of one path on DPDK: receives from the port at its beginning, lets the model decide, and
// sends at the port at its end when frames are due. Owner: the packet loop's thread; the main thread before
// it runs and after it has ended.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "bench/wire/impairment.hpp"
#include "bench/wire/lateness.hpp"
#include "bench/wire/settings.hpp"
#include "dataplane/port.hpp"

namespace braidway::bench::wire {

/// Why a frame did not pass though the model had nothing against it.
enum class PortDrop : std::uint8_t {
  too_long,   ///< longer than the wire's mtu allows
  no_buffer,  ///< no packet buffer for the copy of a doubled frame
  port_down,  ///< the link at the direction's end was down when the frame was due
  stalled,    ///< the port at the direction's end has taken nothing for stall_ms
};
inline constexpr std::array<std::string_view, 4> port_drop_names{"too_long", "no_buffer", "port_down",
                                                                 "stalled"};

/// Since start. Of the model's sent + duplicated: delivered + no_buffer + port_down + stalled + waiting.
struct PortCounters {
  std::uint64_t delivered = 0;  ///< the port took them
  std::uint64_t delivered_bytes = 0;
  std::array<std::uint64_t, port_drop_names.size()> drops{};
};

/// A direction as it is at one moment.
struct DirectionState {
  Parameters parameters;
  ImpairmentCounters model;
  PortCounters port;
  Lateness lateness;          ///< of what was offered to the port, against the plan
  std::uint64_t held = 0;     ///< frames in queue and on the line
  std::uint64_t waiting = 0;  ///< frames that are due and that the port has not taken
  std::uint64_t queued_bytes = 0;
};

class Direction {
 public:
  Direction(const Settings& settings, std::size_t path, std::size_t direction, const dataplane::Port& from,
            const dataplane::Port& to);
  ~Direction();
  Direction(const Direction&) = delete;
  Direction& operator=(const Direction&) = delete;

  /// Takes a burst in; whether anything came.
  bool receive(lb::Nanoseconds now) noexcept;
  /// Sends what is due, a burst at most; whether anything was.
  bool send(lb::Nanoseconds now) noexcept;
  /// Nothing has to be sent before that.
  [[nodiscard]] std::optional<lb::Nanoseconds> next_event() const noexcept;

  void set(const Parameters& parameters, lb::Nanoseconds now) noexcept { model_.set(parameters, now); }
  [[nodiscard]] DirectionState state() const;

 private:
  static constexpr std::uint16_t burst = 32;

  void take(rte_mbuf* frame, lb::Nanoseconds now) noexcept;
  void let_go(const Departure& departure, lb::Nanoseconds now) noexcept;
  void offer(lb::Nanoseconds now) noexcept;
  void drop_waiting(PortDrop why) noexcept;
  void count(PortDrop why, std::uint64_t frames) noexcept {
    port_.drops[static_cast<std::size_t>(why)] += frames;
  }

  const dataplane::Port& from_;
  const dataplane::Port& to_;
  Impairment model_;
  std::int64_t patience_ns_;
  std::uint32_t max_frame_bytes_;
  bool stalled_ = false;
  std::uint16_t waiting_count_ = 0;
  std::int64_t refused_ns_ = 0;  ///< time in which this ran and the port took nothing
  lb::Nanoseconds offered_{};
  std::array<rte_mbuf*, std::size_t{2} * burst>
      waiting_{};  ///< due, oldest first; room for a burst of doubled frames
  PortCounters port_;
  Lateness lateness_;
};

}  // namespace braidway::bench::wire
