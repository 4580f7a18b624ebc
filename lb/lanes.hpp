// Eight numbers at a time, in an AVX2 register: what a per-packet loop over paths is made of. Vector types of
// GCC and Clang; values, no owner thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <immintrin.h>

namespace braidway::lb {

inline constexpr std::size_t lane_count = 8;
using Lanes = float __attribute__((vector_size(lane_count * sizeof(float))));
using LaneNumbers = std::int32_t __attribute__((vector_size(lane_count * sizeof(std::int32_t))));

/// Eight of the numbers at `from`, which need not be aligned.
inline Lanes load_lanes(const float* from) noexcept {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}
inline void store_lanes(float* to, const Lanes& lanes) noexcept { std::memcpy(to, &lanes, sizeof lanes); }

template <typename Vector>
inline Vector lesser(const Vector& a, const Vector& b) noexcept {
  return a < b ? a : b;
}
template <typename Vector>
inline Vector greater(const Vector& a, const Vector& b) noexcept {
  return a > b ? a : b;
}

/// Lane by lane, of a power of two of them.
template <typename Vector, std::size_t count>
inline Vector least_of(const std::array<Vector, count>& of) noexcept {
  if constexpr (count == 1) {
    return of[0];
  } else {
    std::array<Vector, count / 2> halves;
    for (std::size_t i = 0; i < count / 2; ++i) halves[i] = lesser(of[i], of[i + count / 2]);
    return least_of(halves);
  }
}
/// The least of the eight, in every lane.
template <typename Vector>
inline Vector least_lane(Vector v) noexcept {
  v = lesser(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3));
  v = lesser(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5));
  return lesser(v, __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6));
}
/// In every lane the number in lane `number`, modulo eight.
inline Lanes lane_of(const Lanes& v, const LaneNumbers& number) noexcept {
  return __builtin_bit_cast(
      Lanes, _mm256_permutevar8x32_ps(__builtin_bit_cast(__m256, v), __builtin_bit_cast(__m256i, number)));
}

}  // namespace braidway::lb
