#include "bench/fabric/scenarios/uplink_faults.hpp"

#include <algorithm>
#include <array>
#include <iomanip>
#include <limits>
#include <map>
#include <ostream>

#include "bench/fabric/scenarios/comparison.hpp"
#include "bench/fabric/scenarios/poisson_load.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr std::uint64_t default_seeds = 4;
constexpr NodeIndex faulty_leaf = 1;
constexpr NodeIndex faulty_spine = 2;
/// The two ways of the link: up, at the leaf, and down, at the spine.
constexpr std::array<std::string_view, 2> ways{"up", "down"};

double milliseconds(Nanoseconds time) { return static_cast<double>(time) / 1e6; }

PortIndex faulty_port(std::size_t way) {
  return static_cast<PortIndex>(2 * uplink(anchors_shape, faulty_leaf, faulty_spine) + way);
}

NetworkEvent fault(const Topology& topology, NetworkEvent::Kind kind, Nanoseconds at, double share = 0) {
  return {.at = at,
          .kind = kind,
          .a = topology.node_of(faulty_port(0)),
          .b = topology.node_of(faulty_port(1)),
          .share = share};
}

/// Runs all schemes and has `measure` look at each run when it is over, into a place of its own.
template <typename Measured>
class Trials {
 public:
  template <typename Measure>
  Trials(const Options& options, const Network& network, Nanoseconds duration, Config config, Measure measure)
      : seeds_(options.seeds == 0 ? default_seeds : options.seeds),
        load_(options.load == 0 ? 50 : options.load),
        lists_(poisson_lists(options, network, seeds_, load_, duration)),
        measured_(schemes_of(options).size() * seeds_),
        grid_(options, schemes_of(options), seeds_, [&](std::uint64_t seed) {
          Measured& place = measured_[next_++];
          return RunSetup{.network = &network,
                          .flows = &lists_[seed],
                          .scheme = nullptr,
                          .config = config,
                          .load = load_,
                          .measure_from = warm_up,
                          .between_racks = true,
                          .inspect = [&place, measure](const Fabric& fabric) { place = measure(fabric); }};
        }) {}

  [[nodiscard]] const Grid& grid() const noexcept { return grid_; }
  [[nodiscard]] std::uint64_t load() const noexcept { return load_; }
  [[nodiscard]] std::uint64_t seeds() const noexcept { return seeds_; }
  /// By seed.
  [[nodiscard]] std::span<const Measured> of(std::size_t scheme) const {
    return std::span{measured_}.subspan(scheme * seeds_, seeds_);
  }

 private:
  std::uint64_t seeds_;
  std::uint64_t load_;
  std::vector<std::vector<Flow>> lists_;
  std::vector<Measured> measured_;
  std::size_t next_ = 0;
  Grid grid_;
};

// The uplink that dies.

constexpr Nanoseconds dies_at = 3'000'000;
constexpr Nanoseconds repaired_at = 23'000'000;

struct Death {
  std::array<Nanoseconds, 2> last_sent{};  ///< after the death; 0: nothing was
  Nanoseconds stall = 0;                   ///< the longest of any flow
  Nanoseconds stall_with_tail = 0;         ///< the same of flows whose last packet was never lost
};

Death look_at_death(const Fabric& fabric) {
  Death death;
  for (std::size_t way = 0; way < ways.size(); ++way) {
    death.last_sent[way] = std::max(Nanoseconds{0}, fabric.port(faulty_port(way)).last_lost - dies_at);
  }
  std::vector<bool> tail_lost(fabric.flows().size());
  for (const FlowIndex flow : fabric.lost_tails()) tail_lost[flow] = true;
  for (FlowIndex flow = 0; flow < fabric.flows().size(); ++flow) {
    const Nanoseconds stall = fabric.rnics().longest_stall(flow);
    death.stall = std::max(death.stall, stall);
    if (!tail_lost[flow]) death.stall_with_tail = std::max(death.stall_with_tail, stall);
  }
  return death;
}

/// The worst of several seeds.
Death worst_of(std::span<const Death> deaths) {
  Death worst;
  for (const Death& death : deaths) {
    for (std::size_t way = 0; way < ways.size(); ++way)
      worst.last_sent[way] = std::max(worst.last_sent[way], death.last_sent[way]);
    worst.stall = std::max(worst.stall, death.stall);
    worst.stall_with_tail = std::max(worst.stall_with_tail, death.stall_with_tail);
  }
  return worst;
}

// The uplink that loses.

constexpr Nanoseconds loses_from = 2'000'000;
constexpr double lost_share = 0.001;
constexpr Nanoseconds gray_bin = 100'000;
constexpr Nanoseconds gray_duration = 12'000'000;

struct Gray {
  std::array<double, 2> out_after{};  ///< ms; infinite: never
  std::array<double, 2> share{};      ///< of its fair share that it carried from the loss on
};

/// Ports that a packet could have taken instead: other uplinks of the leaf, other spines' ways down to it.
std::vector<PortIndex> alternatives(std::size_t way) {
  std::vector<PortIndex> ports;
  for (NodeIndex spine = 0; spine < anchors_shape.spines; ++spine) {
    if (spine != faulty_spine)
      ports.push_back(static_cast<PortIndex>(2 * uplink(anchors_shape, faulty_leaf, spine) + way));
  }
  return ports;
}

Gray look_at_gray(const Fabric& fabric) {
  constexpr std::size_t window = 1'000'000 / gray_bin;
  Gray gray;
  const PortSeries& series = fabric.series();
  for (std::size_t way = 0; way < ways.size(); ++way) {
    const auto others = alternatives(way);
    std::vector<double> own;
    std::vector<double> fair;
    for (std::size_t bin = 0; bin < series.bins() && series.at(bin) < gray_duration; ++bin) {
      if (series.at(bin) < loses_from) continue;
      own.push_back(static_cast<double>(series.bytes(bin, faulty_port(way))));
      double sum = 0;
      for (const PortIndex port : others) sum += static_cast<double>(series.bytes(bin, port));
      fair.push_back(sum / static_cast<double>(others.size()));
    }
    gray.out_after[way] = std::numeric_limits<double>::infinity();
    for (std::size_t from = own.size(); from-- > 0;) {
      if (from + window > own.size()) continue;
      double carried = 0;
      double due = 0;
      for (std::size_t bin = from; bin < from + window; ++bin) {
        carried += own[bin];
        due += fair[bin];
      }
      if (carried < due / 10) gray.out_after[way] = milliseconds(static_cast<Nanoseconds>(from) * gray_bin);
    }
    double carried = 0;
    double due = 0;
    for (std::size_t bin = 0; bin < own.size(); ++bin) {
      carried += own[bin];
      due += fair[bin];
    }
    gray.share[way] = due > 0 ? carried / due : 0;
  }
  return gray;
}

}  // namespace

ScenarioOutcome run_uplink_dies(const Options& options, std::ostream& out) {
  const Network network{leaf_spine(anchors_shape)};
  Config config = options.config;
  config.network_events.push_back(fault(network.topology, NetworkEvent::Kind::down, dies_at));
  config.network_events.push_back(fault(network.topology, NetworkEvent::Kind::up, repaired_at));
  const Trials<Death> trials{options, network, 10'000'000, config, look_at_death};
  out << trials.load()
      << " % load, one of sixteen uplinks dies silently at 3 ms and is back at 23 ms; worst of "
      << trials.seeds() << " seeds\n"
      << "scheme        last data onto it after its death    longest stall of a flow                p99\n"
      << "              up (us)   down (us)                   any (ms)   its tail not lost (ms)  slowdown\n"
      << std::fixed << std::setprecision(2);
  Goals goals{out};
  std::map<std::string, Death> worst;
  const auto& schemes = trials.grid().schemes();
  for (std::size_t i = 0; i < schemes.size(); ++i) {
    const Death& death = worst[schemes[i]] = worst_of(trials.of(i));
    out << std::left << std::setw(12) << schemes[i] << std::right;
    for (const Nanoseconds last : death.last_sent) out << std::setw(12) << static_cast<double>(last) / 1e3;
    out << std::setw(22) << milliseconds(death.stall) << std::setw(18) << milliseconds(death.stall_with_tail)
        << std::setw(16)
        << geometric_mean(
               trials.grid().values(schemes[i], [](const RunResult& run) { return run.slowdown.p99; }))
        << '\n';
  }
  if (trials.grid().has(own_scheme)) {
    const Death& own = worst[std::string{own_scheme}];
    for (std::size_t way = 0; way < ways.size(); ++way) {
      goals.at_most("last data onto it, " + std::string{ways[way]},
                    static_cast<double>(own.last_sent[way]) / 1e3, 400, " us");
    }
    goals.at_most("longest stall", milliseconds(own.stall), milliseconds(config.retransmission_timeout) + 1,
                  " ms");
    goals.at_most("longest stall of a flow whose tail was not lost", milliseconds(own.stall_with_tail), 1,
                  " ms");
  }
  return {.runs = trials.grid().all(), .as_promised = goals.met()};
}

ScenarioOutcome run_gray_loss(const Options& options, std::ostream& out) {
  const Network network{leaf_spine(anchors_shape)};
  Config config = options.config;
  config.network_events.push_back(fault(network.topology, NetworkEvent::Kind::loss, loses_from, lost_share));
  config.series_bin = gray_bin;
  const Trials<Gray> trials{options, network, gray_duration, config, look_at_gray};
  out << trials.load() << " % load, one of sixteen uplinks loses 0.1 % of packets from 2 ms on; worst of "
      << trials.seeds() << " seeds\n"
      << "scheme        out of use after (ms)      data over its fair share since    retx      p99\n"
      << "                 up      down                 up      down              (sum) slowdown\n"
      << std::fixed << std::setprecision(2);
  Goals goals{out};
  const auto& schemes = trials.grid().schemes();
  std::array<double, 2> own_after{};
  for (std::size_t i = 0; i < schemes.size(); ++i) {
    Gray worst;
    for (const Gray& gray : trials.of(i)) {
      for (std::size_t way = 0; way < ways.size(); ++way) {
        worst.out_after[way] = std::max(worst.out_after[way], gray.out_after[way]);
        worst.share[way] = std::max(worst.share[way], gray.share[way]);
      }
    }
    if (schemes[i] == own_scheme) own_after = worst.out_after;
    std::uint64_t retransmitted = 0;
    for (const RunResult& run : trials.grid().runs(schemes[i])) retransmitted += run.counters.retransmitted;
    out << std::left << std::setw(12) << schemes[i] << std::right << std::setw(8) << worst.out_after[0]
        << std::setw(10) << worst.out_after[1] << std::setw(19) << worst.share[0] << std::setw(10)
        << worst.share[1] << std::setw(19) << retransmitted << std::setw(9)
        << geometric_mean(
               trials.grid().values(schemes[i], [](const RunResult& run) { return run.slowdown.p99; }))
        << '\n';
  }
  if (trials.grid().has(own_scheme)) {
    for (std::size_t way = 0; way < ways.size(); ++way)
      goals.at_most("out of use, " + std::string{ways[way]} + ", after", own_after[way], 5, " ms");
  }
  return {.runs = trials.grid().all(), .as_promised = goals.met()};
}

}  // namespace braidway::bench::fabric
