// Sizes of messages by a cumulative distribution, in the format of the ConWeave authors' simulator:
//   one line a point: bytes cumulative-percent      as `4000 22.93`
// from 0 to 100 percent, neither column falling; in between it is linear. Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/fabric/random.hpp"

namespace braidway::bench::fabric {

class SizeDistribution {
 public:
  /// Throws InputError.
  explicit SizeDistribution(const std::string& file);

  /// Bytes, at least 1.
  [[nodiscard]] std::uint32_t sample(Random& random) const;
  /// Bytes.
  [[nodiscard]] double mean() const noexcept;

 private:
  struct Point {
    double bytes;
    double percent;
  };

  std::vector<Point> points_;
};

}  // namespace braidway::bench::fabric
