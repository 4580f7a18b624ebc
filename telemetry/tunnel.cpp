#include "telemetry/tunnel.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "telemetry/ip_packet.hpp"

namespace braidway::telemetry {
namespace {

constexpr std::uint32_t most_flow_label = 0xfffff;

bool is_ipv4(const lb::IpAddress& address) noexcept {
  return lb::ipv4(static_cast<std::uint32_t>(address.low)) == address;
}

void store_ipv4(std::byte* ip, const TunnelSettings& settings) noexcept {
  constexpr std::uint16_t do_not_fragment = 0x4000;
  ip[0] = std::byte{0x45};
  store_be16(ip + 6, do_not_fragment);
  ip[8] = std::byte{settings.hop_limit};
  ip[9] = std::byte{protocol_udp};
  store_be32(ip + 12, static_cast<std::uint32_t>(settings.source.low));
  store_be32(ip + 16, static_cast<std::uint32_t>(settings.destination.low));
}

void store_ipv6(std::byte* ip, const TunnelSettings& settings) noexcept {
  ip[6] = std::byte{protocol_udp};
  ip[7] = std::byte{settings.hop_limit};
  store_be64(ip + 8, settings.source.high);
  store_be64(ip + 16, settings.source.low);
  store_be64(ip + 24, settings.destination.high);
  store_be64(ip + 32, settings.destination.low);
}

}  // namespace

LinkHeader::LinkHeader(std::span<const std::byte> header) noexcept
    : bytes_(static_cast<std::uint8_t>(header.size())) {
  assert(header.size() >= ethernet_header_bytes && header.size() <= max_link_header_bytes);
  std::ranges::copy(header, image_.end() - static_cast<std::ptrdiff_t>(header.size()));
}

TunnelStamp::TunnelStamp(const TunnelSettings& settings) noexcept
    : opening_(settings.telemetry, Npt::tunnel),
      bitmap_(settings.telemetry.bitmap),
      link_bytes_(static_cast<std::uint8_t>(settings.link.bytes())),
      ip_header_bytes_(is_ipv4(settings.source) ? ipv4_header_bytes : ipv6_header_bytes),
      flow_label_(settings.flow_label) {
  const bool ipv4 = is_ipv4(settings.source);
  assert(ipv4 == is_ipv4(settings.destination) && settings.flow_label <= most_flow_label);
  std::array<std::byte, LinkHeader::room> link{};
  settings.link.write_before(link.data() + link.size(), ipv4 ? ethertype_ipv4 : ethertype_ipv6);
  std::copy_n(link.end() - link_bytes_, link_bytes_, headers_.begin());
  std::byte* ip = headers_.data() + link_bytes_;
  if (ipv4) {
    store_ipv4(ip, settings);
    ipv4_sum_ = checksum_sum(ip, ipv4_header_bytes);
  } else {
    store_ipv6(ip, settings);
  }
  store_be16(ip + ip_header_bytes_, settings.source_port);
  store_be16(ip + ip_header_bytes_ + udp_dport_offset, settings.telemetry.udp_port);
}

void TunnelStamp::finish_ip_header(std::byte* ip, std::size_t ip_bytes,
                                   std::uint8_t traffic_class) const noexcept {
  if (ip_header_bytes_ == ipv4_header_bytes) {
    ip[1] = std::byte{traffic_class};
    store_be16(ip + 2, static_cast<std::uint16_t>(ip_bytes));
    const auto checksum = static_cast<std::uint16_t>(
        ~checksum_fold(ipv4_sum_ + checksum_word(traffic_class) + checksum_word(ip_bytes)));
    std::memcpy(ip + ipv4_checksum_offset, &checksum, sizeof(checksum));
  } else {
    store_be32(ip, std::uint32_t{6} << 28U | std::uint32_t{traffic_class} << 20U | flow_label_);
    store_be16(ip + 4, static_cast<std::uint16_t>(ip_bytes - ipv6_header_bytes));
  }
}

Rewritten TunnelStamp::stamp(const FrameInBuffer& frame, const OrderWords& words,
                             const HopMetadata* own_hop) const noexcept {
  const std::size_t l3 = frame.l3_offset;
  const std::size_t contiguous = frame.contiguous();
  IpPacket inner;
  if (l3 > contiguous || !find_ip(frame.begin() + l3, contiguous - l3, inner)) {
    return {.fault = IntFault::not_plain_ip};
  }
  if (l3 + inner.bytes > frame.frame_bytes) return {.fault = IntFault::ip_length_mismatch};
  const std::size_t outer_bytes = ip_header_bytes_ + udp_header_bytes;
  const auto [opening, hop_bytes] =
      opening_.choose(outer_bytes + int_min_bytes + inner.bytes, own_hop != nullptr);
  if (opening == nullptr) return {.fault = IntFault::exceeds_mtu};
  const std::size_t int_bytes = int_min_bytes + hop_bytes;
  const std::size_t added = link_bytes_ + outer_bytes + int_bytes;
  if (added > frame.headroom + l3) return {.fault = IntFault::no_headroom};

  std::byte* begin = frame.begin() + l3 - added;
  std::byte* ip = begin + link_bytes_;
  std::byte* udp = ip + ip_header_bytes_;
  std::byte* shim = udp + udp_header_bytes;
  const std::size_t udp_bytes = udp_header_bytes + int_bytes + inner.bytes;
  move_headers(begin, headers_.data(), link_bytes_ + outer_bytes);
  finish_ip_header(ip, ip_header_bytes_ + udp_bytes, inner.traffic_class);
  store_be16(udp + udp_length_offset, static_cast<std::uint16_t>(udp_bytes));
  IntHeader header = *opening;
  header.first |= std::uint64_t{inner.ipv4 ? protocol_ipv4 : protocol_ipv6} << IntHeader::original_shift;
  header.store(shim);
  if (hop_bytes > 0) store_hop(shim + int_fixed_bytes, bitmap_, *own_hop);
  store_order_words(shim + int_fixed_bytes + hop_bytes, words);
  return {.front_moved = static_cast<std::uint16_t>(added - l3),
          .frame_bytes = static_cast<std::uint32_t>(added + inner.bytes)};
}

}  // namespace braidway::telemetry
