// Frames for tests, header by header from the outside in:
//
//   Frame().vlan(7).ipv4().udp().bth(Opcode::rc_send_only, 0x11).payload(64).icrc().bytes()
//
// Lengths are right unless a test says otherwise (`*_length`); checksums are zero, since nothing here reads
// them. Sources: IEEE 802.1Q, RFC 791, RFC 8200, RFC 768, IBTA vol. 1 section 9.2 and annex A17.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <netinet/in.h>
#include <optional>
#include <vector>

#include "telemetry/roce.hpp"

namespace braidway::tests {

using Bytes = std::vector<std::byte>;

class Frame {
 public:
  static constexpr std::uint32_t host_a = 0x0a000001;  ///< 10.0.0.1, the source unless given
  static constexpr std::uint32_t host_b = 0x0a000002;
  static constexpr std::uint64_t net_v6 = 0x20010db800000000;  ///< 2001:db8::/64; hosts ::1 and ::2
  static constexpr std::uint16_t source_port = 0xc123;

  Frame() {
    put({0x02, 0, 0, 0, 0, 0x0b, 0x02, 0, 0, 0, 0, 0x0a});
    ethertype_ = bytes_.size();
    put16(0x88b5);  // IEEE 802 local experimental, until a header follows
  }
  Frame& to(std::array<std::uint8_t, 6> mac) {
    for (std::size_t i = 0; i < mac.size(); ++i) bytes_[i] = std::byte{mac[i]};
    return *this;
  }
  Frame& type(std::uint16_t ethertype) {
    set16(ethertype_, ethertype);
    return *this;
  }
  Frame& vlan(std::uint16_t tag, std::uint16_t ethertype = 0x8100) {
    type(ethertype);
    put16(tag);
    ethertype_ = bytes_.size();
    put16(0x88b5);
    return *this;
  }
  /// `options`: bytes behind the 20 of the header, a multiple of four.
  Frame& ipv4(std::uint32_t source = host_a, std::uint32_t destination = host_b, std::size_t options = 0) {
    type(0x0800);
    l3_ = bytes_.size();
    put({static_cast<std::uint8_t>(0x45 + options / 4), 0x02, 0, 0, 0x12, 0x34, 0x40, 0, 64, IPPROTO_TCP, 0,
         0});
    put32(source);
    put32(destination);
    bytes_.resize(bytes_.size() + options, std::byte{0x01});  // no operation
    return *this;
  }
  Frame& ipv6(std::uint64_t source = 1, std::uint64_t destination = 2) {
    type(0x86dd);
    l3_ = bytes_.size();
    v6_ = true;
    put({0x60, 0x20, 0, 0, 0, 0, IPPROTO_TCP, 64});
    put64(net_v6);
    put64(source);
    put64(net_v6);
    put64(destination);
    return *this;
  }
  /// An extension header of eight bytes, which has the protocol that follows in its first byte.
  Frame& ipv6_extension(std::uint8_t header, std::uint8_t next) {
    protocol(header);
    put({next, 0, 1, 4, 0, 0, 0, 0});
    return *this;
  }
  Frame& protocol(std::uint8_t number) {
    bytes_[l3_ + (v6_ ? 6 : 9)] = std::byte{number};
    return *this;
  }
  /// `offset` in units of eight bytes.
  Frame& fragment(std::uint16_t offset, bool more) {
    set16(l3_ + 6, static_cast<std::uint16_t>(offset | (more ? 0x2000U : 0U)));
    return *this;
  }
  Frame& tcp(std::uint16_t source, std::uint16_t destination) {
    protocol(IPPROTO_TCP);
    put16(source);
    put16(destination);
    put({0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0});
    return *this;
  }
  Frame& udp(std::uint16_t destination = telemetry::rocev2_udp_port, std::uint16_t source = source_port) {
    protocol(IPPROTO_UDP);
    return udp_header(destination, source);
  }
  /// Without telling the IP header, for what hides behind extension headers.
  Frame& udp_header(std::uint16_t destination = telemetry::rocev2_udp_port,
                    std::uint16_t source = source_port) {
    udp_ = bytes_.size();
    put16(source);
    put16(destination);
    put32(0);
    return *this;
  }
  Frame& bth(std::uint8_t opcode, std::uint32_t qpn, std::uint32_t psn = 0x123456,
             std::uint8_t flags = 0x40) {
    put({opcode, flags, 0xff, 0xff});
    put32(qpn);
    put32(psn);
    return *this;
  }
  Frame& bth(telemetry::Opcode opcode, std::uint32_t qpn, std::uint32_t psn = 0x123456) {
    return bth(static_cast<std::uint8_t>(opcode), qpn, psn);
  }
  Frame& payload(std::size_t count, std::uint8_t with = 0xa5) {
    bytes_.resize(bytes_.size() + count, std::byte{with});
    return *this;
  }
  Frame& icrc() { return payload(telemetry::icrc_bytes, 0xcc); }
  Frame& pad_to(std::size_t length) {
    pad_to_ = length;
    return *this;
  }
  /// What the length field says, whatever the length is.
  Frame& ip_length(std::uint16_t length) {
    ip_length_ = length;
    return *this;
  }
  Frame& udp_length(std::uint16_t length) {
    udp_length_ = length;
    return *this;
  }
  Frame& byte(std::size_t offset, std::uint8_t as) {
    bytes_[offset] = std::byte{as};
    return *this;
  }

  [[nodiscard]] std::size_t l3_offset() const { return l3_; }
  [[nodiscard]] std::size_t udp_offset() const { return udp_; }
  [[nodiscard]] Bytes bytes() const {
    Frame done = *this;
    const std::size_t end = bytes_.size();
    if (udp_ != 0) {
      done.set16(udp_ + 4, udp_length_.value_or(static_cast<std::uint16_t>(end - udp_)));
    }
    if (l3_ != 0 && v6_) {
      done.set16(l3_ + 4, ip_length_.value_or(static_cast<std::uint16_t>(end - l3_ - 40)));
    } else if (l3_ != 0) {
      done.set16(l3_ + 2, ip_length_.value_or(static_cast<std::uint16_t>(end - l3_)));
    }
    if (done.bytes_.size() < pad_to_) done.bytes_.resize(pad_to_);
    return done.bytes_;
  }

 private:
  void put(std::initializer_list<std::uint8_t> values) {
    for (const std::uint8_t each : values) bytes_.push_back(std::byte{each});
  }
  void put16(std::uint16_t number) {
    put({static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)});
  }
  void put32(std::uint32_t number) {
    put16(static_cast<std::uint16_t>(number >> 16U));
    put16(static_cast<std::uint16_t>(number));
  }
  void put64(std::uint64_t number) {
    put32(static_cast<std::uint32_t>(number >> 32U));
    put32(static_cast<std::uint32_t>(number));
  }
  void set16(std::size_t offset, std::uint16_t number) {
    bytes_[offset] = static_cast<std::byte>(number >> 8U);
    bytes_[offset + 1] = static_cast<std::byte>(number);
  }

  Bytes bytes_;
  std::size_t ethertype_ = 0;
  std::size_t l3_ = 0;
  std::size_t udp_ = 0;
  std::size_t pad_to_ = 0;
  bool v6_ = false;
  std::optional<std::uint16_t> ip_length_;
  std::optional<std::uint16_t> udp_length_;
};

/// One RC packet of a flow between the two hosts: enough where only the flow and the order matter. Eight
/// bytes of payload.
inline Frame rc_frame(std::uint32_t qpn, std::uint32_t psn = 0) {
  return Frame().ipv4().udp().bth(telemetry::Opcode::rc_write_middle, qpn, psn).payload(8).icrc();
}

}  // namespace braidway::tests
