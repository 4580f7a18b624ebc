// What a lane needs to restore the order of flows: lb's order window over mbufs, and the packets that it has
// handed on and that have not left yet. A release may be larger than a burst; what does not fit waits here,
// and nothing more is pushed meanwhile.
//
// What the order window has to tell of packets goes to the lane's path meters.
//
// Owner: the lane's worker; drop() the control thread, when the worker's thread has ended. All memory at
// construction.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <rte_mbuf.h>

#include "dataplane/burst.hpp"
#include "dataplane/order_counts.hpp"
#include "dataplane/peer_link.hpp"
#include "dataplane/settings.hpp"
#include "lb/order_window.hpp"
#include "telemetry/order_tag.hpp"
#include "telemetry/path_meter.hpp"

namespace braidway::dataplane {

class OrderBuffer final : private lb::OrderNews {
 public:
  /// `link` and `meters` outlive this.
  OrderBuffer(const GatewaySettings& settings, const PeerLink& link, telemetry::PathMeters& meters);
  ~OrderBuffer() = default;
  OrderBuffer(const OrderBuffer&) = delete;  // the window tells this one
  OrderBuffer& operator=(const OrderBuffer&) = delete;

  /// Acts by what the peer's messages tell. Each turn, before anything is pushed.
  void heed(lb::Nanoseconds now) noexcept {
    if (link_.version.load(std::memory_order_acquire) != version_ ||
        link_.boots.load(std::memory_order_acquire) != boots_) [[unlikely]] {
      heed_news(now);
    }
  }

  /// A packet of the peer as the order window takes it.
  [[nodiscard]] lb::Arrival arrival(rte_mbuf* packet, const telemetry::OrderWords& words,
                                    lb::Nanoseconds now) const noexcept {
    return {.handle = packet,
            .spray_set = knows_paths_ && now >= trusted_from_ ? &all_paths_ : nullptr,
            .sequence = words.tag.sequence(),
            .bytes = packet->pkt_len,
            .source = words.tag.source(),
            .path = words.tag.path(),
            .epoch = words.tag.epoch(),
            .departure = {.lane = words.tag.lane(), .known = true, .time = words.departure}};
  }
  /// The peer seems to have more paths than we think: every gap is the timer's, until a second has passed
  /// without another sign of it. One damaged tag must not count for longer.
  void distrust_paths(lb::Nanoseconds now) noexcept {
    trusted_from_ = lb::Nanoseconds{lb::value(now) + 1'000'000'000};
  }
  [[nodiscard]] bool is_path(lb::PathId path) const noexcept { return lb::value(path) < paths_; }
  [[nodiscard]] lb::GatewayId peer() const noexcept { return peer_; }

  /// Takes at most a burst in. Nothing may be pending.
  void push(std::span<const std::uint64_t> hashes, std::span<const lb::FlowKey> keys,
            std::span<const lb::Arrival> arrivals, lb::Nanoseconds now) noexcept {
    first_ = 0;
    end_ = window_.push(hashes, keys, arrivals, now, out_);
  }
  /// Hands on what has waited long enough. Nothing may be pending. Called each turn.
  void poll(lb::Nanoseconds now) noexcept {
    first_ = 0;
    end_ = window_.poll(now, out_);
  }
  /// Whatever is held is handed on by the next polls, in order, missing packets or not.
  void flush() noexcept { window_.flush_source(peer_); }

  /// Packets handed on that have not left.
  [[nodiscard]] std::size_t pending() const noexcept { return end_ - first_; }
  [[nodiscard]] std::size_t held() const noexcept { return window_.held_packets(); }
  /// Takes out as many of the pending packets as there is room for; returns how many.
  std::uint16_t take(std::span<rte_mbuf*> out) noexcept;
  /// Frees all that is held or pending.
  void drop() noexcept;

  void tell(OrderCounts& counts) const noexcept;

 private:
  void heed_news(lb::Nanoseconds now) noexcept;
  void late(lb::GatewayId /*source*/, lb::PathId path) noexcept override {
    tell(path, &telemetry::PathMeter::late);
  }
  void repeated(lb::GatewayId /*source*/, lb::PathId path) noexcept override {
    tell(path, &telemetry::PathMeter::repeated);
  }
  void overtaken(lb::GatewayId /*source*/, lb::PathId path) noexcept override {
    tell(path, &telemetry::PathMeter::overtaken);
  }
  void held(lb::GatewayId /*source*/, lb::PathId path, lb::Nanoseconds time) noexcept override {
    if (is_path(path)) meters_.at(meters_.index(0, path)).held(time);
  }
  void tell(lb::PathId path, void (telemetry::PathMeter::*what)(std::uint64_t) noexcept) noexcept {
    if (is_path(path)) (meters_.at(meters_.index(0, path)).*what)(1);
  }

  const PeerLink& link_;
  telemetry::PathMeters& meters_;
  lb::OrderWindow window_;
  lb::SpraySet all_paths_;  ///< a flow's spray set, if the peer has no more paths than a set
  std::size_t paths_;
  lb::GatewayId peer_;
  bool knows_paths_;
  lb::Nanoseconds trusted_from_{INT64_MIN};
  std::uint32_t version_ = 0;  ///< of `link_` as it was last acted by
  std::uint32_t boots_ = 0;
  std::int64_t congested_ns_ = INT64_MIN;
  std::vector<bool> dead_;  ///< paths that nothing is waited for on
  std::size_t first_ = 0;   ///< of what is pending in out_
  std::size_t end_ = 0;
  std::vector<lb::Handle> out_;
};

/// Where packets that an order window has handed on come from, and the port that they leave by.
struct Released {
  OrderBuffer* from = nullptr;
  std::uint16_t host_port = 0;
};

}  // namespace braidway::dataplane
