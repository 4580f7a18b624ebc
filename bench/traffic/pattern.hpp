// Payload that can be checked without having been stored: every byte is a function of (message key, offset).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace braidway::bench::traffic {

/// Tells the bytes of one message from those of all others.
enum class PatternKey : std::uint32_t {};

PatternKey pattern_key(std::uint32_t qp, std::uint64_t message) noexcept;

/// Writes the bytes of a message from `offset` (a multiple of four) on.
void fill_pattern(std::span<std::byte> payload, PatternKey key, std::uint64_t offset) noexcept;

/// Whether these are exactly the bytes that fill_pattern would have written.
bool matches_pattern(std::span<const std::byte> payload, PatternKey key, std::uint64_t offset) noexcept;

}  // namespace braidway::bench::traffic
