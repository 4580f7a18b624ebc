#include "bench/traffic/frame.hpp"

#include <algorithm>
#include <cstring>

#include "bench/traffic/wire.hpp"

namespace braidway::bench::traffic {
namespace {

using telemetry::Bth;
using telemetry::bth_bytes;
using telemetry::icrc_bytes;

constexpr std::uint16_t ether_type_ipv4 = 0x0800;
constexpr std::uint16_t ether_type_ipv6 = 0x86dd;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t traffic_class = 0x02;  // ECT(0), as an RNIC with DCQCN sends
constexpr std::uint8_t hops = 64;
constexpr std::uint16_t dont_fragment = 0x4000;

/// RFC 1071; 0 over a header whose checksum is right.
std::uint16_t ipv4_checksum(const std::byte* header) noexcept {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < 20; at += 2) sum += get_be(header + at, 2);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

std::size_t pad_of(std::size_t payload_bytes) noexcept { return (4 - payload_bytes % 4) % 4; }

template <std::size_t size>
void copy(std::byte* to, const std::array<std::uint8_t, size>& from) noexcept {
  std::memcpy(to, from.data(), size);
}
template <std::size_t size>
bool same(const std::byte* left, const std::array<std::uint8_t, size>& right) noexcept {
  return std::memcmp(left, right.data(), size) == 0;
}

}  // namespace

std::span<std::byte> Route::write_headers(std::span<std::byte> buffer,
                                          const FrameFields& fields) const noexcept {
  const std::size_t udp_length = udp_bytes + bth_bytes + fields.extension.size() + fields.payload_bytes +
                                 pad_of(fields.payload_bytes) + icrc_bytes;
  std::byte* const ethernet = buffer.data();
  copy(ethernet, to_.mac);
  copy(ethernet + 6, from_.mac);
  put_be(ethernet + 12, 2, ip_ == IpVersion::v4 ? ether_type_ipv4 : ether_type_ipv6);

  std::byte* const ip = ethernet + ethernet_bytes;
  const std::size_t ip_bytes = ip_header_bytes(ip_);
  if (ip_ == IpVersion::v4) {
    ip[0] = std::byte{0x45};
    ip[1] = std::byte{traffic_class};
    put_be(ip + 2, 2, ip_bytes + udp_length);
    put_be(ip + 4, 2, fields.ip_id);
    put_be(ip + 6, 2, dont_fragment);
    ip[8] = std::byte{hops};
    ip[9] = std::byte{protocol_udp};
    put_be(ip + 10, 2, 0);
    copy(ip + 12, from_.ipv4);
    copy(ip + 16, to_.ipv4);
    put_be(ip + 10, 2, ipv4_checksum(ip));
  } else {
    put_be(ip, 4, 0x60000000U | std::uint32_t{traffic_class} << 20 | fields.udp_source);
    put_be(ip + 4, 2, udp_length);
    ip[6] = std::byte{protocol_udp};
    ip[7] = std::byte{hops};
    copy(ip + 8, from_.ipv6);
    copy(ip + 24, to_.ipv6);
  }

  std::byte* const udp = ip + ip_bytes;
  put_be(udp, 2, fields.udp_source);
  put_be(udp + 2, 2, telemetry::rocev2_udp_port);
  put_be(udp + 4, 2, udp_length);
  put_be(udp + 6, 2, 0);

  Bth bth{};
  bth.opcode = static_cast<std::uint8_t>(fields.opcode);
  bth.flags = static_cast<std::uint8_t>(pad_of(fields.payload_bytes) << 4);
  put_be(bth.pkey, 2, 0xffff);
  put_be(bth.dest_qpn, 3, fields.dest_qpn);
  bth.ack = fields.ack_request ? 0x80 : 0;
  put_be(bth.psn, 3, fields.psn);
  std::byte* const after = udp + udp_bytes;
  std::memcpy(after, &bth, sizeof(bth));
  std::ranges::copy(fields.extension, after + bth_bytes);
  return {after + bth_bytes + fields.extension.size(), fields.payload_bytes};
}

WrittenFrame Route::seal(std::span<std::byte> buffer, const FrameFields& fields) const noexcept {
  const std::size_t payload_end = ethernet_bytes + ip_header_bytes(ip_) + udp_bytes + bth_bytes +
                                  fields.extension.size() + fields.payload_bytes;
  const std::size_t icrc_at = payload_end + pad_of(fields.payload_bytes);
  std::fill_n(buffer.begin() + static_cast<std::ptrdiff_t>(payload_end), icrc_at - payload_end, std::byte{0});
  const std::uint32_t value = telemetry::icrc(buffer.subspan(ethernet_bytes, icrc_at - ethernet_bytes));
  std::memcpy(buffer.data() + icrc_at, &value, sizeof(value));
  std::size_t size = icrc_at + icrc_bytes;
  for (; size < min_frame_bytes; ++size) buffer[size] = std::byte{0};
  return {.bytes = size, .icrc = value};
}

Route::Reading Route::read(std::span<const std::byte> bytes, Frame& frame) const noexcept {
  const std::size_t ip_bytes = ip_header_bytes(ip_);
  const std::size_t least = ethernet_bytes + ip_bytes + udp_bytes + bth_bytes + icrc_bytes;
  if (bytes.size() < least) return Reading::foreign;
  const bool ipv4 = ip_ == IpVersion::v4;
  const std::byte* const ip = bytes.data() + ethernet_bytes;
  const std::byte* const udp = ip + ip_bytes;
  if (get_be(bytes.data() + 12, 2) != (ipv4 ? ether_type_ipv4 : ether_type_ipv6)) return Reading::foreign;
  if (get_be(udp + 2, 2) != telemetry::rocev2_udp_port) return Reading::foreign;
  const bool ours = ipv4 ? same(ip + 12, from_.ipv4) && same(ip + 16, to_.ipv4)
                         : same(ip + 8, from_.ipv6) && same(ip + 24, to_.ipv6);
  if (!ours) return Reading::foreign;

  const std::size_t udp_length = get_be(udp + 4, 2);
  const std::size_t ip_payload = ipv4 ? get_be(ip + 2, 2) - ip_bytes : get_be(ip + 4, 2);
  const bool sound = std::to_integer<unsigned>(ip[0]) >> 4 == static_cast<unsigned>(ip_) &&
                     std::to_integer<unsigned>(ip[ipv4 ? 9 : 6]) == protocol_udp &&
                     udp_length == ip_payload && udp_length >= udp_bytes + bth_bytes + icrc_bytes &&
                     ethernet_bytes + ip_bytes + udp_length <= bytes.size() &&
                     (!ipv4 || (ip[0] == std::byte{0x45} && ipv4_checksum(ip) == 0));
  if (!sound) return Reading::broken;

  const std::size_t covered = ip_bytes + udp_length - icrc_bytes;
  std::memcpy(&frame.icrc, ip + covered, sizeof(frame.icrc));
  if (telemetry::icrc({ip, covered}) != frame.icrc) return Reading::broken;

  Bth bth{};
  std::memcpy(&bth, udp + udp_bytes, sizeof(bth));
  const std::size_t extension = telemetry::extension_bytes(bth.opcode);
  const std::size_t pad = telemetry::pad_bytes(bth);
  const std::size_t body = udp_length - udp_bytes - bth_bytes - icrc_bytes;
  if (!telemetry::is_known(bth.opcode) || extension + pad > body) return Reading::broken;
  const std::byte* const after = udp + udp_bytes + bth_bytes;
  frame.opcode = bth.opcode;
  frame.dest_qpn = lb::value(telemetry::dest_qpn(bth));
  frame.psn = telemetry::psn(bth);
  frame.ack_request = telemetry::ack_requested(bth);
  frame.udp_source = static_cast<std::uint16_t>(get_be(udp, 2));
  frame.extension = {after, extension};
  frame.payload = {after + extension, body - extension - pad};
  return Reading::whole;
}

}  // namespace braidway::bench::traffic
