#include "telemetry/log_linear_histogram.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace braidway::telemetry {

void HistogramCounts::add(const LogLinearHistogram& other) noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.count(i);
}

void HistogramCounts::add(const HistogramCounts& other) noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

void HistogramCounts::remove(const HistogramCounts& earlier) noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] -= earlier.counts_[i];
}

std::uint64_t HistogramCounts::total() const noexcept {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

std::optional<std::uint32_t> HistogramCounts::quantile(double share) const noexcept {
  const std::uint64_t all = total();
  if (all == 0) return std::nullopt;
  std::uint64_t rank = 1;
  if (share >= 1) {
    rank = all;
  } else if (share > 0) {
    rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all))),
                                     1, all);
  }
  std::size_t bucket = 0;
  for (std::uint64_t passed = counts_[0]; passed < rank; passed += counts_[bucket]) ++bucket;
  return HistogramScale::middle_of(bucket);
}

}  // namespace braidway::telemetry
