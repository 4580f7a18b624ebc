// What an end of mixed-verbs does to the other, worked out by both from a seed: the requester knows what
// comes back, the responder what arrives and in which order, and nothing but the operations themselves has to
// cross the wire.
//
// Units: bytes; places count from the start of the memory they are in. Owner: the program's only thread.
// Errors: none. Order: what a WRITE has written is there for every later READ and SEND of its QP (IBTA volume
// 1, 10.8.3.3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace braidway::lab {

enum class Kind : std::uint8_t { write, send, read, fetch_add };

struct Operation {
  Kind kind{};
  std::uint32_t bytes = 0;
  std::uint64_t place = 0;   ///< in the responder's exposed memory; of a SEND in its receive memory
  std::uint64_t addend = 0;  ///< FETCH_ADD only
  std::uint64_t before = 0;  ///< FETCH_ADD only: what the counter holds before, modulo 2^64
};

/// A requester's operations in their order. The last one is a SEND, so that the responder learns of every
/// WRITE.
struct Plan {
  Plan(std::uint64_t seed, std::size_t count, std::uint32_t largest);

  std::uint64_t seed;
  std::vector<Operation> operations;
  std::size_t exposed_bytes =
      0;  ///< that the responder has to expose: its counter, what only READs reach, and WRITEs' places
  std::size_t received_bytes = 0;  ///< of all SENDs
};

/// The counter of FETCH_ADD is the first word of the exposed memory.
inline constexpr std::size_t counter_place = 0;

/// Bytes that anyone who knows the key can write down.
void fill(std::span<std::uint8_t> bytes, std::uint64_t key);

/// What operation `number` of a plan carries: WRITE and SEND.
std::vector<std::uint8_t> payload(const Plan& plan, std::size_t number);

/// What the responder's exposed memory holds before the first operation. No WRITE comes to a place twice, and
/// there are gaps between them: what is written beside a place shows.
std::vector<std::uint8_t> untouched(const Plan& plan);

/// What operation `number` makes of the exposed memory.
void apply(const Plan& plan, std::size_t number, std::span<std::uint8_t> exposed);

}  // namespace braidway::lab
