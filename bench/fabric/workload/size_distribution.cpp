#include "bench/fabric/workload/size_distribution.hpp"

#include <algorithm>

#include "bench/fabric/flow_list.hpp"
#include "bench/fabric/text_file.hpp"

namespace braidway::bench::fabric {

SizeDistribution::SizeDistribution(const std::string& name) {
  TextFile file{name};
  while (file.next_line()) {
    const auto& words = file.words();
    if (words.size() != 2) file.fail("expected a point: bytes cumulative-percent");
    const double least_bytes = points_.empty() ? 0 : points_.back().bytes;
    const double least_percent = points_.empty() ? 0 : points_.back().percent;
    points_.push_back(
        {.bytes = file.decimal(words[0], "the size", least_bytes, static_cast<double>(max_message_bytes)),
         .percent = file.decimal(words[1], "the cumulative percentage", least_percent, 100)});
    if (points_.size() == 1 && points_.back().percent != 0) file.fail("the first point is not at 0 percent");
  }
  if (points_.empty() || points_.back().percent != 100)
    file.fail("the file ends, and the last point is not at 100 percent");
  if (points_.back().bytes < 1) file.fail("all sizes are below 1 byte");
}

std::uint32_t SizeDistribution::sample(Random& random) const {
  const double percent = random.uniform() * 100;
  // The first point above, and there is one: 100 is above all that uniform() gives.
  const auto above = std::ranges::upper_bound(points_, percent, {}, &Point::percent);
  const Point& high = *above;
  const Point& low = *(above - 1);
  const double bytes =
      low.bytes + (high.bytes - low.bytes) * (percent - low.percent) / (high.percent - low.percent);
  return std::max(1U, static_cast<std::uint32_t>(bytes));
}

double SizeDistribution::mean() const noexcept {
  double mean = 0;
  for (std::size_t i = 1; i < points_.size(); ++i) {
    const double share = (points_[i].percent - points_[i - 1].percent) / 100;
    mean += share * (points_[i].bytes + points_[i - 1].bytes) / 2;
  }
  return mean;
}

}  // namespace braidway::bench::fabric
