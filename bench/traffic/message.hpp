// The schedule: what every QP sends, message by message. Both ends know it, so that each packet that arrives
// can be checked against what it must be, whatever order it came in. All messages have the same length, hence
// a packet's position in its QP (a 64-bit PSN that never wraps, starting at 0) says which message it belongs
// to.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "bench/traffic/pattern.hpp"

namespace braidway::bench::traffic {

/// A message of atomics is as many FETCH & ADDs as another message has packets.
enum class Operation : std::uint8_t { write, send, read, atomic };
inline constexpr std::uint32_t operations = 4;
inline constexpr std::array<const char*, operations + 1> operation_names{"write", "send", "read", "atomic",
                                                                         "mix"};

/// Whether its requests are answered by more than an ACK.
constexpr bool has_response(Operation operation) noexcept { return operation >= Operation::read; }

inline constexpr std::uint32_t psn_mask = 0xffffff;
inline constexpr std::uint32_t max_qps = 1'000'000;
/// QP numbers of either end are its base and the QP's index. Real RNICs number from small values, too.
inline constexpr std::uint32_t client_qpn_base = 0x000100;
inline constexpr std::uint32_t server_qpn_base = 0x200000;

struct Schedule {
  std::uint32_t qps = 1;
  std::uint32_t message_bytes = 65536;
  std::uint32_t path_mtu = 1024;
  bool mixed = false;  ///< all operations in turn; otherwise all are `operation`
  Operation operation = Operation::write;

  /// Packets a message takes, and PSNs: a READ takes as many as it has responses, an empty message one.
  std::uint64_t packets_per_message() const noexcept {
    return message_bytes == 0 ? 1 : (std::uint64_t{message_bytes} + path_mtu - 1) / path_mtu;
  }
  Operation operation_of(std::uint32_t qp, std::uint64_t message) const noexcept {
    if (!mixed) return operation;
    return static_cast<Operation>((qp + message) % operations);
  }
};

/// One packet of the schedule: a request of WRITE and SEND, a response of READ, either of an atomic.
struct Segment {
  std::uint64_t message = 0;
  Operation operation = Operation::write;
  std::uint64_t offset = 0;      ///< of its first byte in the message
  std::uint32_t bytes = 0;       ///< payload
  std::uint32_t bytes_left = 0;  ///< of the message from here on, this packet's included
  bool first = false;
  bool last = false;
  PatternKey key{};
};

/// The PSN of `position`. QPs start at unrelated numbers, some of them close to the wrap.
inline std::uint32_t psn_of(std::uint32_t qp, std::uint64_t position) noexcept {
  const std::uint32_t initial = (psn_mask - 64U) + qp * 0x3c6ef3U;
  return static_cast<std::uint32_t>(initial + position) & psn_mask;
}

/// The position nearest to `reference` that has this PSN; negative where a QP has no such position.
inline std::int64_t position_of(std::uint32_t qp, std::uint32_t psn, std::uint64_t reference) noexcept {
  constexpr std::int64_t half = 1 << 23;
  constexpr std::int64_t whole = 1 << 24;
  std::int64_t ahead = (psn - psn_of(qp, reference)) & psn_mask;
  if (ahead >= half) ahead -= whole;
  return static_cast<std::int64_t>(reference) + ahead;
}

/// Works out segments of a schedule. Value type; no owner thread.
class Segmenter {
 public:
  explicit Segmenter(const Schedule& schedule) noexcept
      : schedule_{schedule}, packets_{schedule.packets_per_message()} {}

  const Schedule& schedule() const noexcept { return schedule_; }
  std::uint64_t packets_per_message() const noexcept { return packets_; }

  Segment segment(std::uint32_t qp, std::uint64_t position) const noexcept {
    const std::uint64_t message = position / packets_;
    const std::uint64_t index = position % packets_;
    const std::uint64_t offset = index * schedule_.path_mtu;
    const auto left = static_cast<std::uint32_t>(schedule_.message_bytes - offset);
    return {.message = message,
            .operation = schedule_.operation_of(qp, message),
            .offset = offset,
            .bytes = std::min(left, schedule_.path_mtu),
            .bytes_left = left,
            .first = index == 0,
            .last = index + 1 == packets_,
            .key = pattern_key(qp, message)};
  }

  /// The first position in [from, to) that has a response of its own; `to` where there is none.
  std::uint64_t first_response(std::uint32_t qp, std::uint64_t from, std::uint64_t to) const noexcept {
    if (!schedule_.mixed) return has_response(schedule_.operation) ? std::min(from, to) : to;
    while (from < to && !has_response(schedule_.operation_of(qp, from / packets_))) {
      from = (from / packets_ + 1) * packets_;
    }
    return std::min(from, to);
  }
  /// PSNs that the request at `position` takes: a READ, all up to its message's end.
  std::uint64_t psns_of_request(std::uint32_t qp, std::uint64_t position) const noexcept {
    const bool read = schedule_.operation_of(qp, position / packets_) == Operation::read;
    return read ? packets_left(position) : 1;
  }
  /// Atomics of the QP before `position`: what the far end's number is then, if each is done once.
  std::uint64_t atomics_before(std::uint32_t qp, std::uint64_t position) const noexcept {
    const std::uint64_t message = position / packets_;
    const bool among = schedule_.operation_of(qp, message) == Operation::atomic;
    const std::uint64_t of_this = among ? position % packets_ : 0;
    if (!schedule_.mixed) return among ? position : 0;
    // Message m is of atomics if (qp + m) is 3 modulo 4.
    const std::uint64_t atomics = (qp + message) / operations - qp / operations;
    return atomics * packets_ + of_this;
  }
  /// PSNs from `position` to the end of its message.
  std::uint64_t packets_left(std::uint64_t position) const noexcept { return packets_ - position % packets_; }

 private:
  Schedule schedule_;
  std::uint64_t packets_;
};

/// Where a message lies in the far end's memory; RETH must say so.
inline std::uint64_t virtual_address(std::uint32_t qp, const Segment& segment,
                                     std::uint32_t message_bytes) noexcept {
  constexpr std::uint64_t region = 0x7f0000000000ULL;
  return region + (std::uint64_t{qp} << 20) + (segment.message % 16) * message_bytes + segment.offset;
}
inline std::uint32_t rkey_of(std::uint32_t qp) noexcept { return 0x1000U + qp * 0x101U; }

}  // namespace braidway::bench::traffic
