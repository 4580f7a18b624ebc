// What constructors refuse, and in which words:
//   OrderWindow: packets = 0: must be 1 to 4294967294
// Throws, so it is for start-up code only: nothing on the packet's way asks it. Pure; any thread.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "lb/types.hpp"

namespace braidway::lb {

/// The longest time to wait for anything, a day: who asks for more has mistaken the unit.
inline constexpr Nanoseconds longest_wait{86'400'000'000'000};

/// The parameters of one class. Throws std::invalid_argument for what is not as it must be.
class Requirements {
 public:
  explicit Requirements(std::string_view of) : of_(of) {}

  /// From `low` to `high`. NaN is nowhere.
  template <typename Number>
  void within(std::string_view name, Number given, std::type_identity_t<Number> low,
              std::type_identity_t<Number> high) const {
    if (given >= low && given <= high) return;
    refuse(name, text(given), text(low) + " to " + text(high));
  }
  /// Above another parameter.
  template <typename Number>
  void above(std::string_view name, Number given, std::string_view other, Number than) const {
    if (given > than) return;
    refuse(name, text(given), "above " + std::string{other} + " = " + text(than));
  }
  /// At most another parameter.
  template <typename Number>
  void at_most(std::string_view name, Number given, std::string_view other, Number most) const {
    if (given <= most) return;
    refuse(name, text(given), "at most " + std::string{other} + " = " + text(most));
  }

 private:
  static std::string text(Nanoseconds time) { return std::to_string(value(time)) + " ns"; }
  static std::string text(std::integral auto number) { return std::to_string(number); }
  static std::string text(std::floating_point auto number) {
    std::array<char, 32> digits;
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return {digits.data(), written.ptr};
  }

  [[noreturn]] void refuse(std::string_view name, const std::string& given,
                           const std::string& must_be) const {
    throw std::invalid_argument(std::string{of_} + ": " + std::string{name} + " = " + given + ": must be " +
                                must_be);
  }

  std::string_view of_;
};

}  // namespace braidway::lb
