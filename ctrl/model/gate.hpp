// Whether a forecast may influence anything: it has to have been better than doing without, burst by burst.
//
// What it is held against is the best of three naive forecasts (naive.hpp) over the same time, and better is
// meant beyond chance: the last 20 bursts are drawn again a thousand times, with replacement (a bootstrap by
// blocks: errors within a burst hang together, those of different bursts hardly), and in all of these draws
// the forecast must have saved a twentieth of the naive one's error. That must hold after five bursts in a
// row: asked once, of 2,048 gates that chance asks after each of 600 bursts, 553 opened at some time; asked
// five times, 42, and they were open for 0.018 % of the time. A gate shuts with the second burst in a row
// that the forecast was worse for, or when no burst has been seen for two seconds.
//
// A block is from the onset of a burst to that of another, and not shorter than the horizon. Ticks in which
// nothing was measured count for nobody, and a block of which less than half was measured is none.
//
// Pure; owner: one thread. Time in ticks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace braidway::ctrl::model {

class Gate {
 public:
  static constexpr std::size_t naives = 3;
  static constexpr std::uint32_t bursts = 20;  ///< that it judges by
  struct Parameters {
    std::uint32_t lasting = 5;            ///< bursts in a row that it must hold for, to open
    float margin = 0.05F;                 ///< of the naive error, to be saved
    std::uint32_t bad = 2;                ///< bursts in a row that shut it
    std::uint32_t least_block = 5;        ///< ticks
    std::uint32_t longest_block = 2'000;  ///< ticks: then what was known is forgotten
  };

  Gate() = default;
  Gate(std::uint32_t horizon, const Parameters& parameters) noexcept
      : parameters_(parameters), horizon_(horizon) {}

  /// What forecasts of one tick were off by, as far as it was measured.
  struct Losses {
    float forecast = 0;
    std::array<float, naives> naive{};
    bool measured = false;
  };
  /// The next tick; `onset`: a burst begins in it.
  void observe(const Losses& losses, bool onset) noexcept;
  void forget() noexcept;

  [[nodiscard]] bool open() const noexcept { return open_; }
  /// Of the error of the best naive one over the last bursts, what the forecast saved, open or not; below 0
  /// it was worse, to -1. 0: nothing is judged.
  [[nodiscard]] float skill() const noexcept { return skill_; }
  /// Bursts that it has judged by since it last forgot.
  [[nodiscard]] std::uint32_t judged() const noexcept { return count_; }

 private:
  void end_block() noexcept;
  [[nodiscard]] bool beats(std::size_t naive) const noexcept;

  Parameters parameters_{};
  std::uint32_t horizon_ = 1;
  std::array<std::array<float, naives + 1>, bursts> blocks_{};  ///< sums of losses; the forecast's last
  std::array<float, naives + 1> block_{};                       ///< under way
  std::uint32_t ticks_ = 0;                                     ///< of it
  std::uint32_t measured_ = 0;
  std::uint32_t next_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t bad_ = 0;   ///< in a row
  std::uint32_t good_ = 0;  ///< bursts in a row after which the forecast was better beyond chance
  float skill_ = 0;
  bool begun_ = false;
  bool open_ = false;
};

}  // namespace braidway::ctrl::model
