#include "ctrl/model/burst_train.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace braidway::ctrl::model {
namespace {

/// Of a normal distribution, the middle of each fifth.
constexpr std::array chances{-1.28, -0.52, 0.0, 0.52, 1.28};
/// Deviation over mean absolute error of a normal distribution.
constexpr double per_error = 1.25;

double overlap(double from, double to, double begin, double end) noexcept {
  return std::max(std::min(to, end) - std::max(from, begin), 0.0);
}

}  // namespace

BurstTrain::BurstTrain(double onset, double period, double error, float height)
    : period_(period),
      locked_(onset),
      steady_(onset),
      began_(onset),
      length_(period / 2),
      length_error_(period / 4),
      locked_error_(std::max(static_cast<float>(error), parameters_.least_error)),
      steady_error_(locked_error_),
      height_(height),
      bursting_(true) {}

double BurstTrain::deviation() const noexcept {
  return per_error * std::max(std::min(locked_error_, steady_error_), parameters_.least_error);
}

/// What is late stays late where the phase is locked anew: errors add up.
double BurstTrain::onset_deviation(double ahead) const noexcept {
  return deviation() * (steady() ? 1 : std::sqrt(ahead));
}

double BurstTrain::window() const noexcept {
  return std::clamp(parameters_.deviations * deviation(), parameters_.narrowest * period_,
                    parameters_.widest * period_);
}

double BurstTrain::misfit(double at) const noexcept {
  const double ahead = std::max(std::round((at - phase()) / period_), 1.0);
  const double off = std::abs(at - onset(ahead));
  return off <= window() ? off : std::numeric_limits<double>::infinity();
}

bool BurstTrain::halves(const BurstTrain& other, float tolerance) const noexcept {
  constexpr double alike = 0.05;
  constexpr double off_half = 0.1;
  if (std::abs(other.period_ - period_) > alike * period_) return false;
  if (std::abs(other.height_ - height_) > std::max(0.25F * height_, tolerance)) return false;
  const double periods = (other.locked_ - phase()) / period_;
  return std::abs(std::abs(periods - std::round(periods)) - 1.0 / 2) <= off_half;
}

double BurstTrain::misfit(double at, float height, float tolerance) const noexcept {
  constexpr float part = 0.25F;  // bursts of a job are alike
  const bool alike = std::abs(height - height_) <= std::max(part * height_, tolerance);
  return alike ? misfit(at) : std::numeric_limits<double>::infinity();
}

void BurstTrain::begins(double at, float height, double unsure) noexcept {
  const double ahead = std::max(std::round((at - phase()) / period_), 1.0);
  // As it was expected, as far as it may have been.
  at = std::clamp(onset(ahead), at - unsure, at + unsure);
  const double locked_off = at - (locked_ + ahead * period_);
  const double steady_off = at - (steady_ + ahead * period_);
  onsets_ += 1;
  const float learning = std::max(1 / onsets_, parameters_.learning);
  locked_error_ += (static_cast<float>(std::abs(locked_off)) - locked_error_) * parameters_.error_learning;
  steady_error_ += (static_cast<float>(std::abs(steady_off)) - steady_error_) * parameters_.error_learning;
  // By the steady phase where that is it: the difference of two onsets that are late by chance says little.
  period_ += learning * (steady() ? parameters_.phase_learning * steady_off : locked_off) / ahead;
  steady_ += ahead * period_ + std::max(1 / onsets_, parameters_.phase_learning) * steady_off;
  locked_ = at;
  height_ += (height - height_) * learning;
  kept_ += (1 - kept_) * parameters_.kept_learning;
  began_ = at;
  unsure_ = unsure;
  bursting_ = true;
}

void BurstTrain::ends(double at, double unsure) noexcept {
  bursting_ = false;
  unsure += unsure_;
  double length = at - began_;
  // Nothing is learnt from one that may have been as long as others.
  if (unsure > 0 && lengths_ > 0) length = std::clamp(length_, length - unsure, length + unsure);
  lengths_ += 1;
  const float learning = std::max(1 / lengths_, parameters_.learning);
  const double off = length - length_;
  length_error_ += (std::abs(off) - length_error_) * (lengths_ > 1 ? learning : 0);
  if (lengths_ == 1) length_error_ = std::max<double>(parameters_.least_error, length / 8);
  length_ += off * learning;
}

void BurstTrain::advance(double now, double hidden) noexcept {
  while (onset(1) + window() < now) {
    const bool seen = hidden < onset(1) - window();
    locked_ += period_;
    steady_ += period_;
    if (!seen) continue;
    kept_ -= kept_ * parameters_.kept_learning;
    if (gone()) return;
  }
}

/// How much of the time is within bursts if each is off by `chance` deviations.
double BurstTrain::covered(double now, double from, double to, double chance) const noexcept {
  double sum = 0;
  const double length_off = chance * per_error * length_error_;
  if (bursting_) sum += overlap(from, to, now, std::max(began_ + length_ + length_off, now));
  const double length = std::max(length_, 1.0);
  const double first = std::max(std::floor((from - length - phase()) / period_), 1.0);
  for (double ahead = first; ahead < first + 4; ahead += 1) {
    const double off = chance * onset_deviation(ahead);
    // What is late now has yet to come.
    const double begins = std::max(onset(ahead) + off, now);
    if (begins >= to) break;
    sum += overlap(from, to, begins, begins + length);
  }
  return std::min(sum, to - from);
}

BurstTrain::Expected BurstTrain::expected(double now, double from, double to) const noexcept {
  std::array<double, chances.size()> parts{};
  double sum = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i] = covered(now, from, to, chances[i]) / (to - from);
    sum += parts[i];
  }
  std::ranges::nth_element(parts, parts.begin() + parts.size() / 2);
  return {.median = static_cast<float>(parts[parts.size() / 2]),
          .mean = static_cast<float>(sum / static_cast<double>(parts.size()))};
}

}  // namespace braidway::ctrl::model
