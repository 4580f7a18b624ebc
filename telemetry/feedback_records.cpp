#include "telemetry/feedback_records.hpp"

#include <algorithm>
#include <optional>

#include "lb/require.hpp"

namespace braidway::telemetry {
namespace {

/// The largest that has been seen; not_measured is none.
constexpr std::uint32_t deeper(std::uint32_t known, std::uint32_t seen) noexcept {
  return known == not_measured ? seen : std::max(known, seen);
}

}  // namespace

FeedbackRecords::FeedbackRecords(std::span<PathMeters* const> lanes, std::size_t peer,
                                 const SourceClock& source, std::uint32_t full)
    : lanes_(lanes.begin(), lanes.end()), peer_(peer), full_(full), source_(&source) {
  const lb::Requirements require{"FeedbackRecords"};
  require.within("lanes", lanes.size(), 1, lb::max_lanes);
  require.within("full", full, 1, not_measured - 1);
  told_.resize(lanes_.front()->paths(peer));
  marked_.reserve(lanes_.size());
}

PathRecord FeedbackRecords::next(lb::PathId path, bool heard, lb::Nanoseconds now) noexcept {
  PathRecord record{.heard = heard};
  const std::uint32_t index = lanes_.front()->index(peer_, path);
  PathTotals totals;
  std::optional<Newest::Told> utilisation;
  for (PathMeters* lane : lanes_) {
    PathMeter& meter = lane->at(index);
    totals += meter.totals();
    if (const auto queues = meter.take_queues()) {
      record.deepest_queue = deeper(record.deepest_queue, queues->most);
    }
    if (const auto holds = meter.take_holds()) {
      record.longest_hold = std::max(record.longest_hold, holds->most);
    }
    const auto newest = meter.take_utilisation();
    if (newest && (!utilisation || newest->later_than(*utilisation))) utilisation = newest;
    const auto delays = meter.take_delays();
    if (!delays) continue;
    record.least_delay = std::min(record.least_delay, delays->least);
    record.most_delay = deeper(record.most_delay, delays->most);
  }
  Told& told = told_[value(path)];
  record.heard = heard || totals.packets != told.packets;
  record.fifo_lost = totals.overtaken != told.overtaken;
  record.bytes = totals.bytes;
  record.ce_marked = static_cast<std::uint32_t>(totals.ce_marked);
  record.late = static_cast<std::uint32_t>(totals.late);
  if (utilisation) record.utilisation = share_of(utilisation->value);
  add_mean(totals, told, record);
  add_counts(index, now, record);
  return record;
}

/// Rounded; more than full is full.
std::uint8_t FeedbackRecords::share_of(std::uint32_t utilisation) const noexcept {
  const std::uint64_t used = std::min(utilisation, full_);
  return static_cast<std::uint8_t>((used * full_utilisation + full_ / 2) / full_);
}

/// The mean since the record before. Another thread may have counted between the reading of sums and of
/// extremes: the mean is kept between them.
void FeedbackRecords::add_mean(const PathTotals& totals, Told& told, PathRecord& record) noexcept {
  const std::uint64_t timed = totals.packets - totals.untimed;
  const std::uint64_t packets = timed - told.timed;
  const std::uint64_t delays = totals.delay_sum - told.delay_sum;
  told = {.packets = totals.packets,
          .timed = timed,
          .overtaken = totals.overtaken,
          .delay_sum = totals.delay_sum};
  if (record.least_delay == not_measured) return;
  const std::uint64_t mean = packets == 0 ? record.least_delay : delays / packets;
  record.mean_delay =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(mean, record.least_delay, record.most_delay));
}

void FeedbackRecords::add_counts(std::uint32_t meter, lb::Nanoseconds now, PathRecord& record) noexcept {
  const std::uint32_t life = source_->life();
  marked_.clear();
  lb::Nanoseconds newest{};
  bool recent = false;
  for (const PathMeters* lane : lanes_) {
    const std::optional<MarkedPackets> marked = lane->at(meter).marked();
    if (!marked) return;  // a part of the packets is worse than nothing: it would look like loss
    if (marked->life == 0 || marked->life != life) continue;
    newest = marked_.empty() || between(newest, marked->newest) > 0 ? marked->newest : newest;
    recent = recent || between(marked->last_at, now) <= value(period_said_for);
    marked_.push_back(*marked);
  }
  if (!recent) return;
  record.counted = true;
  for (MarkedPackets& lane : marked_) {
    lane.by_period.count(newest);  // of the latest period, which is not complete
    record.period = static_cast<std::uint16_t>(lane.by_period.complete());
    record.packets += lane.by_period.through();
  }
}

}  // namespace braidway::telemetry
