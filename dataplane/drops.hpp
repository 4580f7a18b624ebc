// Counters of a stage's reasons to drop. A stage lists its reasons once, beside its code:
//
//   enum class Drop : std::uint8_t { a, b };
//   static constexpr std::array<std::string_view, 2> drops{"a", "b"};
//
// and is handed the counters for exactly those. Names are unique over all stages (asserted in pipeline.hpp).
// Owner: the worker that runs the stage.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "telemetry/counter.hpp"

namespace braidway::dataplane {

template <typename Stage>
concept Dropping = requires {
  typename Stage::Drop;
  { Stage::drops[0] } -> std::convertible_to<std::string_view>;
};

template <typename Stage>
class Drops {
 public:
  explicit Drops(telemetry::Counter* first) noexcept : first_(first) {}

  template <typename Reason>
    requires std::same_as<Reason, typename Stage::Drop>
  void count(Reason why, std::uint64_t packets = 1) noexcept {
    first_[static_cast<std::size_t>(why)].add(packets);
  }

 private:
  telemetry::Counter* first_;
};

}  // namespace braidway::dataplane
