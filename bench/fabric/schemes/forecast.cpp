#include <algorithm>
#include <limits>
#include <vector>

#include "bench/fabric/schemes/foresight.hpp"
#include "ctrl/model/load_bins.hpp"
#include "ctrl/model/members.hpp"
#include "ctrl/model/outlook.hpp"
#include "ctrl/model/predictor.hpp"

namespace braidway::bench::fabric {
namespace {

using ctrl::model::LoadBins;
using ctrl::model::Shape;

/// Bytes a nanosecond, of the narrowest link.
std::vector<double> capacities(const Fabric& fabric, std::span<const Path> paths) {
  std::vector<double> out;
  for (const Path& path : paths) {
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for (std::uint32_t hop = 0; hop < path.hops; ++hop) {
      least = std::min(least, fabric.port(path.ports[hop]).rate);
    }
    out.push_back(static_cast<double>(least) / 8e9);
  }
  return out;
}

/// The forecaster, shown what the gateway's messages tell it, hops' utilisation above all. By delays alone
/// its gates stay shut in the scenario `periodic`: DCQCN cuts senders so far within the first 300 us of a
/// burst that no queue stands for the rest of it, and what stands nowhere shows nowhere
/// (ctrl/model/cross_load.hpp). Here probes bring hops' utilisation as data do; those of the running gateway
/// bear no INT yet. By what data alone bring, an iteration takes as long as without a forecast (0.990 of
/// idle-move's, 1.001 of auto's, two seeds): where none of ours is under way, nothing is seen.
class Forecast : public Foresight {
 public:
  Forecast(const Fabric& fabric, std::span<const Path> paths)
      : loads_(capacities(fabric, paths), {.tick_bins = tick_bins}),
        shape_{.paths = paths.size(), .bins = tick_bins, .horizons = horizons},
        predictor_(shape_, ctrl::model::make_members(shape_)),
        heard_(paths.size()),
        views_(paths.size()) {}

  void heard(Nanoseconds now, const GatewayMessage& message) override {
    for (std::size_t i = 0; i < heard_.size(); ++i) {
      const PathArrivals& of = message.arrivals[i];
      heard_[i] = {.bytes = of.bytes, .least_delay_ns = static_cast<float>(of.least_delay)};
      if (of.utilisation != not_told) heard_[i].utilisation = static_cast<float>(of.utilisation) / 254;
    }
    for (const lb::PathDelay& delay : message.delays)
      heard_[lb::value(delay.path)].mean_delay_ns = delay.mean_ns;
    loads_.hear(heard_, lb::Nanoseconds{now});
  }

  void expect(Nanoseconds now, std::span<ctrl::model::Outlook> out) override {
    std::ranges::fill(views_, View{});
    while (true) {
      const auto samples = loads_.next_tick(lb::Nanoseconds{now});
      if (samples.empty()) break;
      predictor_.observe(samples);
      for (std::size_t i = 0; i < views_.size(); ++i) {
        const ctrl::model::CrossLoad& load = samples[i].load;
        views_[i] = {.seen = load.censored ? -1 : load.load,
                     .forecast = predictor_.ensemble().forecast(i, drawn).load};
      }
      if (++ticks_ % refit_every == 0) predictor_.refit(ticks_ / refit_every % shape_.paths);
    }
    ctrl::model::look_ahead(predictor_, placed, out);
  }

  [[nodiscard]] View view(std::size_t path) const override { return views_[path]; }

 private:
  /// Ticks of half a millisecond: bursts are of 1.5 ms, and what is placed takes as long.
  static constexpr std::size_t tick_bins = 5;
  static inline const std::vector<unsigned> horizons{1, 2, 3, 4, 10, 40};
  /// Of these, the first so many: samples are late by 0.3 ms, what they say stands for 0.5, and what is
  /// placed then takes 0.6.
  static constexpr std::size_t placed = 3;
  /// The third tick after that which ended 0.3 ms ago is `ahead`.
  static constexpr std::size_t drawn = 2;
  static constexpr std::uint64_t refit_every = 16;

  LoadBins loads_;
  Shape shape_;
  ctrl::model::Predictor predictor_;
  std::vector<LoadBins::Heard> heard_;  ///< of the message in hand
  std::vector<View> views_;             ///< by path
  std::uint64_t ticks_ = 0;
};

}  // namespace

std::unique_ptr<Foresight> make_forecast(const Fabric& fabric, std::span<const Path> paths) {
  return std::make_unique<Forecast>(fabric, paths);
}

}  // namespace braidway::bench::fabric
