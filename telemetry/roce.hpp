// RoCEv2 on the wire: the Base Transport Header and its extensions (InfiniBand Architecture Specification vol. 1,
// sections 9.2-9.3 and annex A17). Pure; works on bytes, never past the size a caller has checked.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lb/types.hpp"

namespace braidway::telemetry {

inline constexpr std::uint16_t rocev2_udp_port = 4791;
/// Braidway's own UDP destination ports: order tag and INT on strands, messages between gateways.
inline constexpr std::uint16_t int_udp_port = 61791;
inline constexpr std::uint16_t message_udp_port = 61792;

inline constexpr std::size_t bth_bytes = 12;
inline constexpr std::size_t icrc_bytes = 4;

/// BTH opcodes: bits 7-5 are the transport, bits 4-0 the operation (IBTA table 38).
enum class Opcode : std::uint8_t {
  rc_send_first = 0x00, rc_send_middle = 0x01, rc_send_last = 0x02, rc_send_last_imm = 0x03,
  rc_send_only = 0x04, rc_send_only_imm = 0x05,
  rc_write_first = 0x06, rc_write_middle = 0x07, rc_write_last = 0x08, rc_write_last_imm = 0x09,
  rc_write_only = 0x0a, rc_write_only_imm = 0x0b,
  rc_read_request = 0x0c, rc_read_response_first = 0x0d, rc_read_response_middle = 0x0e,
  rc_read_response_last = 0x0f, rc_read_response_only = 0x10,
  rc_acknowledge = 0x11, rc_atomic_acknowledge = 0x12, rc_compare_swap = 0x13, rc_fetch_add = 0x14,
  rc_send_last_inv = 0x16, rc_send_only_inv = 0x17,
  ud_send_only = 0x64, ud_send_only_imm = 0x65,
  cnp = 0x81,
};

/// BTH as it lies on the wire; big-endian fields as bytes, so that it may stand at any alignment.
struct Bth {
  std::uint8_t opcode;
  std::uint8_t flags;  ///< SE 0x80 | M 0x40 | pad count 0x30 | TVer 0x0f
  std::uint8_t pkey[2];
  std::uint8_t ecn;    ///< FECN 0x80 | BECN 0x40 | reserved: "resv8a", masked in the ICRC
  std::uint8_t dest_qpn[3];
  std::uint8_t ack;    ///< AckReq 0x80 | reserved
  std::uint8_t psn[3];
};
static_assert(sizeof(Bth) == bth_bytes && alignof(Bth) == 1);

constexpr lb::Qpn dest_qpn(const Bth& bth) noexcept {
  return lb::Qpn{static_cast<std::uint32_t>(bth.dest_qpn[0]) << 16 |
                 static_cast<std::uint32_t>(bth.dest_qpn[1]) << 8 | bth.dest_qpn[2]};
}
/// Transport version: only 0 is defined (IBTA 9.2.1.5).
constexpr unsigned transport_version(const Bth& bth) noexcept { return bth.flags & 0x0fU; }

}  // namespace braidway::telemetry
