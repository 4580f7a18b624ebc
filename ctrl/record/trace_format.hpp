// The bytes of a trace file that its writer and its reader must agree on (trace_file.hpp has the layout).
// Pure functions; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>
#include <zlib.h>

#include "ctrl/record/trace_file.hpp"

namespace braidway::ctrl::record {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

constexpr std::array<char, 8> trace_magic{'B', 'W', 'T', 'R', 'A', 'C', 'E', '\n'};
constexpr std::uint32_t trace_version = 1;
constexpr std::size_t preamble_bytes = trace_magic.size() + sizeof trace_version;

constexpr std::uint32_t header_block = 1;
constexpr std::uint32_t message_block = 2;
constexpr std::uint32_t end_block = 3;
constexpr std::size_t block_head_bytes = 8;  ///< kind, bytes
constexpr std::size_t checksum_bytes = 4;
/// In a block: a header with 256 of the longest names has 68 KB, and messages' blocks are far from it.
constexpr std::size_t most_block_bytes = std::size_t{128} * 1024;
constexpr std::size_t longest_name = 255;

constexpr std::uint32_t no_delay = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint8_t not_told = 255;
constexpr float full_utilisation = 254;
constexpr std::size_t path_bytes = 3 * sizeof(std::uint32_t) + 1;

constexpr std::size_t mask_bytes(std::size_t paths) noexcept { return (paths + 7) / 8; }
constexpr std::size_t most_message_bytes(std::size_t paths) noexcept {
  return sizeof(std::int64_t) + mask_bytes(paths) + paths * path_bytes;
}

template <typename Number>
void put(std::vector<std::byte>& bytes, Number number) {
  static_assert(std::is_arithmetic_v<Number>);
  std::array<std::byte, sizeof number> raw;
  std::memcpy(raw.data(), &number, sizeof number);
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

template <typename Number>
Number load(const std::byte* from) noexcept {
  static_assert(std::is_arithmetic_v<Number>);
  Number number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

/// Takes numbers off the front of bytes, as far as there are any.
class Taker {
 public:
  explicit Taker(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size(); }
  [[nodiscard]] std::optional<std::span<const std::byte>> take(std::size_t count) noexcept {
    if (count > bytes_.size()) return std::nullopt;
    const auto front = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return front;
  }
  template <typename Number>
  [[nodiscard]] std::optional<Number> number() noexcept {
    const auto raw = take(sizeof(Number));
    if (!raw) return std::nullopt;
    return load<Number>(raw->data());
  }

 private:
  std::span<const std::byte> bytes_;
};

inline std::uint32_t checksum(std::span<const std::byte> bytes) noexcept {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

inline std::uint32_t delay_bits(float delay_ns) noexcept {
  if (!(delay_ns >= 0)) return no_delay;
  return static_cast<std::uint32_t>(std::min(std::round(static_cast<double>(delay_ns)), no_delay - 1.0));
}
inline float delay_of(std::uint32_t bits) noexcept {
  return bits == no_delay ? -1.0F : static_cast<float>(bits);
}
inline std::uint8_t utilisation_bits(float share) noexcept {
  if (!(share >= 0)) return not_told;
  return static_cast<std::uint8_t>(std::round(std::min(share, 1.0F) * full_utilisation));
}
inline float utilisation_of(std::uint8_t bits) noexcept {
  return bits == not_told ? -1.0F : static_cast<float>(bits) / full_utilisation;
}

/// What is wrong with a header; empty: nothing.
inline std::string defect(const TraceHeader& header) {
  const auto bad_name = [](const std::string& name) {
    return name.empty() || name.size() > longest_name ||
           !std::ranges::all_of(name, [](char each) { return each > ' ' && each <= '~'; });
  };
  if (bad_name(header.gateway) || bad_name(header.peer)) {
    return "the gateway's and the peer's name must be of 1 to 255 printable characters";
  }
  if (header.paths.empty() || header.paths.size() > lb::max_paths_per_peer) {
    return "there must be 1 to 256 paths, not " + std::to_string(header.paths.size());
  }
  for (const TracePath& path : header.paths) {
    if (bad_name(path.name)) return "a path's name must be of 1 to 255 printable characters";
    if (path.capacity != 0 && !(path.capacity >= 1e-9 && path.capacity <= 1e9)) {
      return "the capacity of path " + path.name + " must be 0 or 1e-9 to 1e9 bytes a nanosecond";
    }
  }
  return {};
}

}  // namespace braidway::ctrl::record
