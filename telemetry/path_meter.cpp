#include "telemetry/path_meter.hpp"

#include <algorithm>

#include "lb/require.hpp"

namespace braidway::telemetry {
namespace {

/// Departures older and newer than that, against what the source's clock shows, are no departures, ns.
constexpr std::int32_t oldest = -1'000'000'000;
constexpr std::int32_t newest = 100'000'000;

}  // namespace

/// Packets by meter: chains of their numbers.
struct PathBurst {
  static constexpr std::size_t most = 64;
  static constexpr std::uint8_t end = most;

  std::span<const PathSample> samples;
  std::array<std::uint8_t, most> next;
};

PathTotals& PathTotals::operator+=(const PathTotals& other) noexcept {
  packets += other.packets;
  bytes += other.bytes;
  ce_marked += other.ce_marked;
  late += other.late;
  repeated += other.repeated;
  overtaken += other.overtaken;
  untimed += other.untimed;
  delay_sum += other.delay_sum;
  return *this;
}

PathTotals PathMeter::totals() const noexcept {
  return {.packets = packets_.get(),
          .bytes = bytes_.get(),
          .ce_marked = ce_marked_.get(),
          .late = late_.get(),
          .repeated = repeated_.get(),
          .overtaken = overtaken_.get(),
          .untimed = untimed_.get(),
          .delay_sum = delay_sum_.get()};
}

void PathMeter::begin_burst(lb::Nanoseconds now) noexcept {
  now_ = now;
  delays_.begin();
  queues_.begin();
  const std::uint32_t life = source_->life();
  if (life != life_) [[unlikely]] {
    floor_.restart();
    mine_ = {};
    life_ = life;
  }
  // Of an unknown clock no departure is plausible.
  plausible_ = life == 0 ? 0 : static_cast<std::uint32_t>(newest) - static_cast<std::uint32_t>(oldest) + 1;
  if (life == 0) return;
  source_now_ = later(now, source_->offset());
  clocks_apart_ = between(source_now_, now);
  floor_.at(now);
}

/// The packets of a burst that are this meter's. Sums are kept in registers and added once.
void PathMeter::count(const PathBurst& burst, std::uint8_t first) noexcept {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t ce_marked = 0;
  std::uint64_t delay_sum = 0;
  std::uint64_t timed = 0;
  std::uint32_t least = not_measured;
  std::uint32_t most = 0;
  std::int32_t newest_ahead = oldest;
  const lb::Nanoseconds source_now = source_now_;
  const std::int64_t clocks_apart = clocks_apart_;
  lb::ReceivedByPeriod by_period = mine_.by_period;
  for (std::uint8_t i = first; i != PathBurst::end; i = burst.next[i]) {
    const PathSample& sample = burst.samples[i];
    ++packets;
    bytes += sample.bytes;
    ce_marked += sample.ce ? 1 : 0;
    const std::int32_t ahead = ahead_of(source_now, sample.departure);
    // Both bounds at once.
    if (static_cast<std::uint32_t>(ahead) - static_cast<std::uint32_t>(oldest) >= plausible_) [[unlikely]] {
      continue;
    }
    ++timed;
    newest_ahead = std::max(newest_ahead, ahead);
    by_period.count(later(source_now, ahead));
    const std::int64_t raw = value(later(lb::Nanoseconds{clocks_apart}, -std::int64_t{ahead}));
    const std::uint32_t delay = std::min(saturated(floor_.above(raw)), not_measured - 1);
    delay_.record(delay);
    delay_sum += delay;
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  packets_.add(packets);
  bytes_.add(bytes);
  ce_marked_.add(ce_marked);
  untimed_.add(packets - timed);
  if (timed == 0) return;
  delay_sum_.add(delay_sum);
  delays_.note(least);
  delays_.note(most);
  const lb::Nanoseconds departure = later(source_now_, newest_ahead);
  const bool later_than_all = mine_.life == 0 || between(mine_.newest, departure) > 0;
  mine_ = {.by_period = by_period,
           .life = life_,
           .last_at = now_,
           .newest = later_than_all ? departure : mine_.newest};
  marked_.publish(mine_);
}

PathMeters::PathMeters(std::span<const Peer> peers, std::size_t hops) : hops_(hops) {
  const lb::Requirements require{"PathMeters"};
  require.within("peers", peers.size(), 0, lb::max_peers);
  require.within("hops", hops, 0, max_metered_hops);
  std::uint32_t count = 0;
  for (const Peer& peer : peers) {
    require.within("paths", peer.paths, 1, lb::max_paths_per_peer);
    first_.push_back(count);
    count += static_cast<std::uint32_t>(peer.paths);
  }
  first_.push_back(count);
  std::vector<const SourceClock*> sources;
  for (const Peer& peer : peers) sources.insert(sources.end(), peer.paths, peer.source);
  meters_ = std::vector<PathMeter>(sources.begin(), sources.end());
  hop_meters_ = std::vector<HopMeter>(count * hops);
}

/// What the hops tell of the packets of a burst that are one meter's.
void PathMeters::measure_hops(const PathBurst& burst, std::uint8_t first, lb::Nanoseconds now) noexcept {
  const std::uint32_t index = burst.samples[first].meter;
  HopMeter* meters = hop_meters_.data() + index * hops_;
  std::uint32_t deepest = 0;
  bool any_queue = false;
  std::uint32_t utilisation = not_measured;
  for (std::uint8_t i = first; i != PathBurst::end; i = burst.next[i]) {
    const StackView& stack = burst.samples[i].stack;
    const std::size_t hops = stack.hops();
    std::uint32_t busiest = 0;
    bool any_utilisation = false;
    for (std::size_t hop = 0; hop < hops; ++hop) {
      const HopLoad load = stack.load(hop);
      const std::uint32_t depth = occupancy(load.queue);
      if (depth != not_measured) {
        deepest = std::max(deepest, depth);
        any_queue = true;
      }
      if (load.utilisation != not_measured) {
        busiest = std::max(busiest, load.utilisation);
        any_utilisation = true;
      }
      const std::size_t from_source = hops - 1 - hop;
      if (from_source < hops_) meters[from_source].count(load);
    }
    if (any_utilisation) utilisation = busiest;
  }
  if (any_queue) meters_[index].queues_.note(deepest);
  if (utilisation != not_measured) meters_[index].utilisation_.note(utilisation, now);
}

void PathMeters::measure_trace(std::uint32_t index, IoamNodes nodes, std::size_t count) noexcept {
  Extremes& queues = meters_[index].queues_;
  HopMeter* meters = hop_meters_.data() + index * hops_;
  queues.begin();
  std::size_t from_source = count;
  for (IoamNode node; from_source > 0 && nodes.next(node);) {
    --from_source;
    const HopLoad hop = load_of(node);
    const std::uint32_t depth = occupancy(hop.queue);
    if (depth != not_measured) queues.note(depth);
    if (from_source < hops_) meters[from_source].count(hop);
  }
}

void PathMeters::measure(std::span<const PathSample> samples, lb::Nanoseconds now) noexcept {
  for (; samples.size() > PathBurst::most; samples = samples.subspan(PathBurst::most)) {
    measure_burst(samples.first(PathBurst::most), now);
  }
  measure_burst(samples, now);
}

void PathMeters::measure_burst(std::span<const PathSample> samples, lb::Nanoseconds now) noexcept {
  PathBurst burst{.samples = samples, .next = {}};
  std::array<std::uint8_t, PathBurst::most> firsts;
  std::size_t meters = 0;
  ++burst_;
  bool any_hops = false;
  const auto count = static_cast<std::uint8_t>(samples.size());
  for (std::uint8_t i = 0; i < count; ++i) {
    PathMeter& meter = meters_[samples[i].meter];
    if (meter.burst_ != burst_) {
      meter.burst_ = burst_;
      firsts[meters++] = i;
    } else {
      burst.next[meter.last_] = i;
    }
    burst.next[i] = PathBurst::end;
    meter.last_ = i;
    any_hops = any_hops || samples[i].stack.hops() != 0;
  }
  for (std::size_t i = 0; i < meters; ++i) {
    PathMeter& meter = meters_[samples[firsts[i]].meter];
    meter.begin_burst(now);
    meter.count(burst, firsts[i]);
    if (any_hops) measure_hops(burst, firsts[i], now);
  }
}

}  // namespace braidway::telemetry
