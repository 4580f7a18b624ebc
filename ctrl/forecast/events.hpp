// Why weights were changed ahead of time, and what came true: an event for each path whose bias changed with
// a publication, completed when the tick has come that the forecast was about.
//
// What came is told as far as it could be seen: a burst came if the load measured was nearer to the upper
// level than to the lower one; none came if it was nearer to the lower one, or could not have been more; and
// where the bound is higher than that, or nothing was measured, nobody knows.
//
// Plain state; owner: the slow loop's thread, or who excludes it. All memory at construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ctrl/model/cross_load.hpp"
#include "ctrl/model/forecaster.hpp"

namespace braidway::ctrl::forecast {

enum class Outcome : std::uint8_t {
  none,     ///< nothing was forecast: the bias was taken back
  waiting,  ///< for the tick that it was about
  came,
  did_not_come,
  not_seen,
};
[[nodiscard]] std::string_view name_of(Outcome outcome) noexcept;

struct Event {
  std::uint64_t number = 0;  ///< from 1
  std::int64_t at_ns = 0;    ///< since 1970
  std::size_t path = 0;
  float from = 1;            ///< bias
  float to = 1;              ///< the same
  bool foreseen = false;     ///< the forecast below is why; else nothing is expected any more
  unsigned horizon = 0;      ///< ticks ahead
  model::Forecast forecast;  ///< of that tick
  float skill = 0;           ///< of the naive error of the last bursts, what forecasts like this saved
  Outcome outcome = Outcome::none;
  model::CrossLoad load;  ///< that came, if any was seen
};

class Events {
 public:
  static constexpr std::size_t kept = 1'024;

  /// `event`: without number and outcome; `tick`: the last one that was observed.
  void add(Event event, std::uint64_t tick);
  /// A tick was observed: what it was, by path.
  void observe(std::uint64_t tick, std::span<const model::Sample> samples) noexcept;

  /// The last, oldest first; at most so many.
  [[nodiscard]] std::vector<Event> last(std::size_t most) const;
  [[nodiscard]] std::uint64_t count() const noexcept { return added_; }
  /// Of all, by how they ended.
  [[nodiscard]] std::uint64_t count(Outcome outcome) const noexcept {
    return outcomes_[static_cast<std::size_t>(outcome)];
  }

 private:
  struct Entry {
    Event event;
    std::uint64_t due = 0;  ///< tick
  };

  std::vector<Entry> entries_ = std::vector<Entry>(kept);  ///< a ring
  std::uint64_t added_ = 0;
  std::uint64_t waiting_ = 0;  ///< entries
  std::array<std::uint64_t, 5> outcomes_{};
};

}  // namespace braidway::ctrl::forecast
