// The messages with the peer as packets: takes in what any lane has received of them, and makes frames of
// those that are due. A strand carries them as IPv4 and UDP between link-local addresses that are made of the
// gateways' ids; where they end is told by the port and the header alone.
//
// Owner: the lane that handles messages; sent() and statistics() anybody. Sends no message if there is no
// buffer for it. All memory at construction, but for the packets' from their pool.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/messenger.hpp"
#include "dataplane/peer_link.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/statistics.hpp"
#include "telemetry/message.hpp"
#include "telemetry/path_meter.hpp"

namespace braidway::dataplane {

/// What messages need beside the settings.
struct MessageMeans {
  rte_ring* inbox = nullptr;      ///< where lanes put received messages; none: there are no messages
  rte_mempool* pool = nullptr;    ///< of packets to be sent
  telemetry::BootId boot{};       ///< of this life; random
  rte_ring* feedbacks = nullptr;  ///< of HeardFeedback, to the control thread; none: it does not want them
};

class PeerMessages {
 public:
  PeerMessages(const GatewaySettings& settings, const MessageMeans& means, PeerLink& link,
               std::span<telemetry::PathMeters* const> meters);

  /// Reads what has come since the last call. Each turn.
  void take_in(lb::Nanoseconds now) noexcept;
  /// Something may have become due. Messages keep time by tens of microseconds.
  [[nodiscard]] bool wants_turn(lb::Nanoseconds now) const noexcept {
    return lb::value(now) - lb::value(looked_at_) >= between_looks_ns;
  }
  void advance(lb::Nanoseconds now) noexcept {
    looked_at_ = now;
    messenger_.advance(now);
  }
  struct Due {
    rte_mbuf* packet = nullptr;
    std::uint16_t port = 0;  ///< port index that it leaves by
  };
  /// The next message that is due by a port for which `open(port)`; none: nothing is.
  template <typename Open>
  std::optional<Due> next(lb::Nanoseconds now, Open open) noexcept {
    std::array<std::byte, telemetry::most_message_bytes> payload;
    while (const auto due = messenger_.next(now, payload,
                                            [&](lb::PathId path) { return open(ports_[lb::value(path)]); })) {
      if (rte_mbuf* packet = frame(due->path, std::span{payload}.first(due->bytes)); packet != nullptr) {
        sent_[lb::value(due->path)].add(1);
        return Due{.packet = packet, .port = ports_[lb::value(due->path)]};
      }
    }
    return std::nullopt;
  }

  /// That were sent by the path.
  [[nodiscard]] std::uint64_t sent(lb::PathId path) const noexcept { return sent_[lb::value(path)].get(); }
  /// Sent, not sent for want of a buffer, and received by what became of them.
  [[nodiscard]] std::vector<NamedCount> statistics() const;

 private:
  static constexpr std::int64_t between_looks_ns = 10'000;

  /// nullptr, and counted: there is no buffer.
  [[nodiscard]] rte_mbuf* frame(lb::PathId path, std::span<const std::byte> payload) noexcept;
  void hand_over(const telemetry::Message& feedback, lb::Nanoseconds now) noexcept;

  lb::GatewayId self_;
  lb::GatewayId peer_;
  std::vector<std::uint16_t> ports_;  ///< port index by path
  rte_ring* inbox_;
  rte_mempool* pool_;
  rte_ring* feedbacks_;
  Messenger messenger_;
  lb::Nanoseconds looked_at_{-between_looks_ns};
  telemetry::Counter unsent_;
  telemetry::Counter unforeseen_;         ///< feedbacks that the ring to the control thread had no room for
  std::vector<telemetry::Counter> sent_;  ///< by path
};

}  // namespace braidway::dataplane
