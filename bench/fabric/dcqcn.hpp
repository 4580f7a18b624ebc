// DCQCN's reaction point (Zhu et al., SIGCOMM 2015), in the variant and with the parameters of the ConWeave
// authors' simulator, one per queue pair. Rates in bit/s.
//   first CNP   alpha = 1, target = rate; alpha is updated each 1 us from then on, cuts are checked first 4
//   us
//               + 1 ns later and each 4 us
//   alpha       g = 1/256: towards 1 after an interval with a CNP, towards 0 after one without
//   cut         if a CNP came since the last check: rate x (1 - alpha / 2), not below 100 Mbit/s; the target
//               becomes the rate before the cut only if the rate was raised since the last cut
//   raise       each 300 us, counted anew from each cut: halfway to the target; the second time the target
//               grows by 40 Mbit/s first, from the third on by 100 Mbit/s
// The alpha updates that nobody looks at are not events: they are made up for when a CNP or a cut comes.
// Pure; time is an argument. Owner: the thread of its simulation.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

class Dcqcn {
 public:
  static constexpr Nanoseconds alpha_interval = 1'000;
  static constexpr Nanoseconds cut_interval = 4'000;
  static constexpr Nanoseconds raise_interval = 300'000;

  explicit Dcqcn(std::uint64_t line_rate) noexcept
      : line_rate_(static_cast<double>(line_rate)), rate_(line_rate_), target_(line_rate_) {}

  [[nodiscard]] double rate() const noexcept { return rate_; }
  [[nodiscard]] double target() const noexcept { return target_; }
  [[nodiscard]] double alpha() const noexcept { return alpha_; }

  /// A CNP came. The time at which on_cut_check is due, or 0 if it was due already.
  Nanoseconds on_cnp(Nanoseconds now) noexcept {
    if (first_cnp_ < 0) {
      first_cnp_ = alpha_updated_ = now;
      alpha_ = 1;
      target_ = rate_;
      cut_due_ = true;
      return now + cut_interval + 1;
    }
    update_alpha(now);
    cnp_since_update_ = true;
    if (cut_due_) return 0;
    cut_due_ = true;
    const Nanoseconds first_check = first_cnp_ + cut_interval + 1;
    const Nanoseconds checks = (now - first_check + cut_interval - 1) / cut_interval;
    return first_check + checks * cut_interval;
  }

  /// The time at which on_raise is due now, whatever it was before.
  Nanoseconds on_cut_check(Nanoseconds now) noexcept {
    constexpr double min_rate = 100e6;
    update_alpha(now);
    cut_due_ = false;
    if (raises_ > 0) target_ = rate_;
    rate_ = std::max(min_rate, rate_ * (1 - alpha_ / 2));
    raises_ = 0;
    return raise_at_ = now + raise_interval;
  }

  /// A raise may be announced too early: cuts since then have put it off. The time of the next call.
  Nanoseconds on_raise(Nanoseconds now) noexcept {
    constexpr double additive_increase = 40e6;
    constexpr double hyper_increase = 100e6;
    if (now < raise_at_) return raise_at_;
    if (raises_ > 0)
      target_ = std::min(line_rate_, target_ + (raises_ == 1 ? additive_increase : hyper_increase));
    rate_ = rate_ / 2 + target_ / 2;
    ++raises_;
    return raise_at_ = now + raise_interval;
  }

 private:
  void update_alpha(Nanoseconds now) noexcept {
    constexpr double gain = 1.0 / 256;
    const Nanoseconds updates = (now - alpha_updated_) / alpha_interval;
    if (updates == 0) return;
    alpha_updated_ += updates * alpha_interval;
    alpha_ = (1 - gain) * alpha_ + (cnp_since_update_ ? gain : 0);
    cnp_since_update_ = false;
    if (updates > 1) alpha_ *= std::pow(1 - gain, static_cast<double>(updates - 1));
  }

  double line_rate_;
  double rate_;
  double target_;
  double alpha_ = 1;
  Nanoseconds first_cnp_ = -1;
  Nanoseconds alpha_updated_ = 0;
  Nanoseconds raise_at_ = 0;
  std::uint32_t raises_ = 0;
  bool cnp_since_update_ = false;
  bool cut_due_ = false;
};

}  // namespace braidway::bench::fabric
