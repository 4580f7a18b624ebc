#include <algorithm>
#include <vector>

#include "bench/fabric/schemes/foresight.hpp"

namespace braidway::bench::fabric {
namespace {

class Oracle : public Foresight {
 public:
  Oracle(const Fabric& fabric, std::span<const Path> paths)
      : fabric_(fabric), paths_(paths.begin(), paths.end()) {}

  void heard(Nanoseconds /*now*/, const GatewayMessage& /*message*/) override {}

  void expect(Nanoseconds now, std::span<ctrl::model::Outlook> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) {
      double load = 0;
      for (std::uint32_t hop = 0; hop < paths_[i].hops; ++hop) {
        for (Nanoseconds at = now; at < now + horizon; at += bin)
          load = std::max(load, fabric_.network_events().periodic_load(paths_[i].ports[hop], at, at + bin));
      }
      out[i] = {.adjustment = static_cast<float>(-load), .confidence = 1};
    }
  }

 private:
  /// How far it looks ahead: as long as what it says stands, and what is placed then takes.
  static constexpr Nanoseconds horizon = 800'000;
  /// The worst of these counts, not the mean: a burst fills a queue in less, and senders that it has slowed
  /// take longer to recover than it lasts.
  static constexpr Nanoseconds bin = 100'000;

  const Fabric& fabric_;
  std::vector<Path> paths_;
};

}  // namespace

std::unique_ptr<Foresight> make_oracle(const Fabric& fabric, std::span<const Path> paths) {
  return std::make_unique<Oracle>(fabric, paths);
}

}  // namespace braidway::bench::fabric
