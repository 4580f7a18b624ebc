// RoCEv2 on the wire: the Base Transport Header and its extensions (InfiniBand Architecture Specification
// vol. 1, sections 9.2-9.3 and annex A17). Pure; works on bytes, never past the size a caller has checked.
#pragma once

#include <array>
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

// clang-format off: one line per kind of message reads better than one per opcode
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
  uc_send_first = 0x20, uc_send_middle = 0x21, uc_send_last = 0x22, uc_send_last_imm = 0x23,
  uc_send_only = 0x24, uc_send_only_imm = 0x25,
  uc_write_first = 0x26, uc_write_middle = 0x27, uc_write_last = 0x28, uc_write_last_imm = 0x29,
  uc_write_only = 0x2a, uc_write_only_imm = 0x2b,
  ud_send_only = 0x64, ud_send_only_imm = 0x65,
  cnp = 0x81,
};
// clang-format on

/// BTH as it lies on the wire; big-endian fields as bytes, so that it may stand at any alignment.
struct Bth {
  std::uint8_t opcode;
  std::uint8_t flags;  ///< SE 0x80 | M 0x40 | pad count 0x30 | TVer 0x0f
  std::uint8_t pkey[2];
  std::uint8_t ecn;  ///< FECN 0x80 | BECN 0x40 | reserved: "resv8a", masked in the ICRC
  std::uint8_t dest_qpn[3];
  std::uint8_t ack;  ///< AckReq 0x80 | reserved
  std::uint8_t psn[3];
};
static_assert(sizeof(Bth) == bth_bytes && alignof(Bth) == 1);

constexpr lb::Qpn dest_qpn(const Bth& bth) noexcept {
  return lb::Qpn{static_cast<std::uint32_t>(bth.dest_qpn[0]) << 16 |
                 static_cast<std::uint32_t>(bth.dest_qpn[1]) << 8 | bth.dest_qpn[2]};
}
/// Transport version: only 0 is defined (IBTA 9.2.1.5).
constexpr unsigned transport_version(const Bth& bth) noexcept { return bth.flags & 0x0fU; }
/// Packet sequence number, 24 bits (IBTA 9.2.7).
constexpr std::uint32_t psn(const Bth& bth) noexcept {
  return static_cast<std::uint32_t>(bth.psn[0]) << 16 | static_cast<std::uint32_t>(bth.psn[1]) << 8 |
         bth.psn[2];
}
/// Bytes (0..3) that fill the payload up to a multiple of four (IBTA 9.2.1.4).
constexpr std::size_t pad_bytes(const Bth& bth) noexcept { return (bth.flags >> 4) & 0x3U; }
constexpr bool ack_requested(const Bth& bth) noexcept { return (bth.ack & 0x80U) != 0; }

// Extended headers, as bytes in wire order (IBTA 9.3). Numbers are big-endian.

/// Where a WRITE puts its bytes or a READ takes them from (IBTA 9.3.3).
struct Reth {
  std::uint8_t virtual_address[8];
  std::uint8_t rkey[4];
  std::uint8_t length[4];  ///< of the whole message, bytes
};
/// Acknowledge (IBTA 9.3.5).
struct Aeth {
  std::uint8_t syndrome;  ///< 000ccccc ACK with credits | 001ttttt RNR NAK | 011nnnnn NAK
  std::uint8_t msn[3];    ///< messages the responder has completed, modulo 2^24
};
/// Immediate data of SEND and WRITE (IBTA 9.3.6).
struct ImmDt {
  std::uint8_t data[4];
};
/// Invalidate (IBTA 9.3.7).
struct Ieth {
  std::uint8_t rkey[4];
};
/// Atomic request (IBTA 9.3.4).
struct AtomicEth {
  std::uint8_t virtual_address[8];
  std::uint8_t rkey[4];
  std::uint8_t swap_or_add[8];
  std::uint8_t compare[8];
};
/// Atomic response (IBTA 9.3.5.3).
struct AtomicAckEth {
  std::uint8_t original_data[8];
};
/// Datagram (IBTA 9.3.1.2).
struct Deth {
  std::uint8_t qkey[4];
  std::uint8_t reserved;
  std::uint8_t source_qpn[3];
};
static_assert(sizeof(Reth) == 16 && sizeof(Aeth) == 4 && sizeof(ImmDt) == 4 && sizeof(Ieth) == 4);
static_assert(sizeof(AtomicEth) == 28 && sizeof(AtomicAckEth) == 8 && sizeof(Deth) == 8);
static_assert(alignof(Reth) == 1 && alignof(AtomicEth) == 1 && alignof(Deth) == 1);

/// The 16 reserved bytes that follow the BTH of a congestion notification packet (annex A17.9.3).
inline constexpr std::size_t cnp_reserved_bytes = 16;

/// AETH syndromes: an acknowledgement without credit limits, and "PSN sequence error" (IBTA tables 43, 45).
inline constexpr std::uint8_t aeth_ack = 0x1f;
inline constexpr std::uint8_t aeth_nak_sequence = 0x60;

/// What a packet is to steering and order. RC and UC share one rule; `other` is RD and what no standard
/// defines.
enum class TransportClass : std::uint8_t { rc, uc, ud, cnp, other };

constexpr TransportClass transport_class(std::uint8_t opcode) noexcept {
  if (opcode == static_cast<std::uint8_t>(Opcode::cnp)) return TransportClass::cnp;
  switch (opcode >> 5) {
    case 0:
      return TransportClass::rc;
    case 1:
      return TransportClass::uc;
    case 3:
      return TransportClass::ud;
    default:
      return TransportClass::other;
  }
}

namespace detail {

inline constexpr std::uint8_t unknown_opcode = 0xff;

consteval std::array<std::uint8_t, 256> extension_table() {
  std::array<std::uint8_t, 256> bytes{};
  bytes.fill(unknown_opcode);
  const auto set = [&bytes](Opcode opcode, std::size_t size) {
    bytes[static_cast<std::size_t>(opcode)] = static_cast<std::uint8_t>(size);
  };
  // SEND and WRITE are the same in RC (0x00) and UC (0x20).
  for (const std::size_t transport : {std::size_t{0x00}, std::size_t{0x20}}) {
    for (std::size_t operation = 0x00; operation <= 0x0b; ++operation) bytes[transport + operation] = 0;
    for (const std::size_t with_imm : {0x03U, 0x05U, 0x09U}) bytes[transport + with_imm] = sizeof(ImmDt);
    for (const std::size_t with_reth : {0x06U, 0x0aU}) bytes[transport + with_reth] = sizeof(Reth);
    bytes[transport + 0x0b] = sizeof(Reth) + sizeof(ImmDt);
  }
  set(Opcode::rc_read_request, sizeof(Reth));
  set(Opcode::rc_read_response_first, sizeof(Aeth));
  set(Opcode::rc_read_response_middle, 0);
  set(Opcode::rc_read_response_last, sizeof(Aeth));
  set(Opcode::rc_read_response_only, sizeof(Aeth));
  set(Opcode::rc_acknowledge, sizeof(Aeth));
  set(Opcode::rc_atomic_acknowledge, sizeof(Aeth) + sizeof(AtomicAckEth));
  set(Opcode::rc_compare_swap, sizeof(AtomicEth));
  set(Opcode::rc_fetch_add, sizeof(AtomicEth));
  set(Opcode::rc_send_last_inv, sizeof(Ieth));
  set(Opcode::rc_send_only_inv, sizeof(Ieth));
  set(Opcode::ud_send_only, sizeof(Deth));
  set(Opcode::ud_send_only_imm, sizeof(Deth) + sizeof(ImmDt));
  set(Opcode::cnp, cnp_reserved_bytes);
  return bytes;
}

inline constexpr std::array<std::uint8_t, 256> extensions = extension_table();

}  // namespace detail

constexpr bool is_known(std::uint8_t opcode) noexcept {
  return detail::extensions[opcode] != detail::unknown_opcode;
}
/// Bytes between BTH and payload; 0 for an opcode that is not known (see is_known).
constexpr std::size_t extension_bytes(std::uint8_t opcode) noexcept {
  return is_known(opcode) ? detail::extensions[opcode] : 0;
}

}  // namespace braidway::telemetry
