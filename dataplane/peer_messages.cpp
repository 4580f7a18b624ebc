#include "dataplane/peer_messages.hpp"

#include <algorithm>
#include <array>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_ring_elem.h>
#include <rte_udp.h>

#include "dataplane/burst.hpp"
#include "dataplane/heard_feedback.hpp"
#include "telemetry/roce.hpp"

namespace braidway::dataplane {
namespace {

/// Network control, class selector 6 (RFC 4594): what queues of data do not delay.
constexpr std::uint8_t dscp_cs6 = 48U << 2U;
constexpr std::uint8_t time_to_live = 64;

/// Locally administered; path and gateway tell a capture's reader whose it is.
rte_ether_addr mac_of(lb::GatewayId gateway, lb::PathId path) noexcept {
  const std::uint16_t id = lb::value(gateway);
  return {{0x02, 0x42, 0x57, lb::value(path), static_cast<std::uint8_t>(id >> 8U),
           static_cast<std::uint8_t>(id)}};
}

/// Link-local (RFC 3927): nothing routes it.
rte_be32_t address_of(lb::GatewayId gateway) noexcept {
  return rte_cpu_to_be_32(RTE_IPV4(169U, 254U, 0U, 0U) | lb::value(gateway));
}

std::vector<std::uint16_t> ports_of(const PeerSettings& peer) {
  std::vector<std::uint16_t> ports;
  std::ranges::transform(peer.paths, std::back_inserter(ports), &PathSettings::port);
  return ports;
}

struct Headers {
  rte_ether_hdr ethernet;
  rte_ipv4_hdr ip;
  rte_udp_hdr udp;
};
static_assert(sizeof(Headers) == RTE_ETHER_HDR_LEN + sizeof(rte_ipv4_hdr) + sizeof(rte_udp_hdr));

}  // namespace

PeerMessages::PeerMessages(const GatewaySettings& settings, const MessageMeans& means, PeerLink& link,
                           std::span<telemetry::PathMeters* const> meters)
    : self_(settings.id),
      peer_(settings.peers.front().id),
      ports_(ports_of(settings.peers.front())),
      inbox_(means.inbox),
      pool_(means.pool),
      feedbacks_(means.feedbacks),
      messenger_(settings, means.boot, link, meters),
      sent_(ports_.size()) {}

void PeerMessages::take_in(lb::Nanoseconds now) noexcept {
  std::array<void*, burst_size> packets;
  const unsigned count = rte_ring_sc_dequeue_burst(inbox_, packets.data(), burst_size, nullptr);
  for (unsigned i = 0; i < count; ++i) {
    auto* packet = static_cast<rte_mbuf*>(packets[i]);
    const PacketMeta& meta = handed_over(packet).meta;
    const std::uint32_t udp = meta.l4_offset;
    // The parser has seen a whole UDP packet; padding may follow it.
    rte_udp_hdr udp_room;
    const auto* header =
        static_cast<const rte_udp_hdr*>(rte_pktmbuf_read(packet, udp, sizeof udp_room, &udp_room));
    std::array<std::byte, telemetry::most_message_bytes + 1> room;  // one more shows that it is too long
    const auto bytes = static_cast<std::uint32_t>(
        std::min(rte_be_to_cpu_16(header->dgram_len) - sizeof udp_room, room.size()));
    const auto* payload =
        static_cast<const std::byte*>(rte_pktmbuf_read(packet, udp + sizeof udp_room, bytes, room.data()));
    const telemetry::Message* feedback = messenger_.receive({payload, bytes}, meta.egress, now);
    if (feedback != nullptr && feedbacks_ != nullptr) hand_over(*feedback, now);
    rte_pktmbuf_free(packet);
  }
}

void PeerMessages::hand_over(const telemetry::Message& feedback, lb::Nanoseconds now) noexcept {
  HeardFeedback heard{.at = now, .message = feedback};
  if (rte_ring_sp_enqueue_elem(feedbacks_, &heard, sizeof heard) != 0) unforeseen_.add(1);
}

std::vector<NamedCount> PeerMessages::statistics() const {
  const MessageCounts& counts = messenger_.counts();
  std::vector<NamedCount> out{{.name = "probes_sent", .count = counts.probes_sent.get()},
                              {.name = "feedbacks_sent", .count = counts.feedbacks_sent.get()},
                              {.name = "unsent", .count = unsent_.get()},
                              {.name = "unforeseen", .count = unforeseen_.get()}};
  for (std::size_t i = 0; i < counts.verdicts.size(); ++i) {
    out.push_back({.name = telemetry::verdict_names[i], .count = counts.verdicts[i].get()});
  }
  for (std::size_t i = 0; i < counts.defects.size(); ++i) {
    out.push_back({.name = telemetry::message_defect_names[i], .count = counts.defects[i].get()});
  }
  return out;
}

rte_mbuf* PeerMessages::frame(lb::PathId path, std::span<const std::byte> payload) noexcept {
  rte_mbuf* packet = rte_pktmbuf_alloc(pool_);
  if (packet == nullptr) {
    unsent_.add(1);
    return nullptr;
  }
  const auto udp_bytes = static_cast<std::uint16_t>(sizeof(rte_udp_hdr) + payload.size());
  auto* data = rte_pktmbuf_append(packet, static_cast<std::uint16_t>(sizeof(Headers) + payload.size()));
  Headers headers{};
  headers.ethernet.dst_addr = mac_of(peer_, path);
  headers.ethernet.src_addr = mac_of(self_, path);
  headers.ethernet.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
  headers.ip.version_ihl = RTE_IPV4_VHL_DEF;
  headers.ip.type_of_service = dscp_cs6;
  headers.ip.total_length = rte_cpu_to_be_16(static_cast<std::uint16_t>(sizeof headers.ip + udp_bytes));
  headers.ip.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
  headers.ip.time_to_live = time_to_live;
  headers.ip.next_proto_id = IPPROTO_UDP;
  headers.ip.src_addr = address_of(self_);
  headers.ip.dst_addr = address_of(peer_);
  headers.ip.hdr_checksum = rte_ipv4_cksum(&headers.ip);
  headers.udp.src_port = rte_cpu_to_be_16(telemetry::message_udp_port);
  headers.udp.dst_port = rte_cpu_to_be_16(telemetry::message_udp_port);
  headers.udp.dgram_len = rte_cpu_to_be_16(udp_bytes);
  std::copy_n(reinterpret_cast<const char*>(&headers), sizeof headers, data);
  std::copy_n(reinterpret_cast<const char*>(payload.data()), payload.size(), data + sizeof headers);
  return packet;
}

}  // namespace braidway::dataplane
