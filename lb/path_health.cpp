#include "lb/path_health.hpp"

#include <algorithm>

#include "lb/sequence.hpp"

namespace braidway::lb {
namespace {

constexpr Nanoseconds plus(Nanoseconds a, Nanoseconds b) noexcept { return Nanoseconds{value(a) + value(b)}; }

}  // namespace

PathHealth::PathHealth(std::size_t paths, const Parameters& parameters)
    : parameters_(parameters), paths_(paths) {
  for (Path& path : paths_) path.lossy_next = parameters.lossy_for;
}

void PathHealth::sent(PathId id, Nanoseconds departure, Nanoseconds now) noexcept {
  Path& path = paths_[value(id)];
  if (!path.outstanding) {
    path.outstanding = true;
    path.unheard_since = now;
  }
  // Periods without a packet end with what was sent before them.
  const std::uint32_t period = marking_period(departure);
  const std::uint32_t passed = std::min<std::uint32_t>(period - path.period, periods);
  for (std::uint32_t i = 1; i <= passed; ++i) path.sent_through[(period - passed + i) % periods] = path.sent;
  path.period = period;
  path.sent_through[period % periods] = ++path.sent;
}

void PathHealth::received(std::span<const PathReceipt> receipts, Nanoseconds now) noexcept {
  for (const PathReceipt& receipt : receipts) {
    if (!receipt.heard) continue;
    Path& path = paths_[value(receipt.path)];
    path.outstanding = false;
    last_heard_ = now;
    if (path.state == PathState::suspect || path.state == PathState::dead) path.state = PathState::live;
    judge_loss(path, receipt, now);
  }
}

void PathHealth::judge_loss(Path& path, const PathReceipt& receipt, Nanoseconds now) noexcept {
  // Older than what is remembered, or of before anything was sent: nothing to compare with.
  if (path.sent == 0 || path.period - receipt.period >= periods) return;
  const std::uint32_t sent = path.sent_through[receipt.period % periods];
  const std::uint32_t lost = sent - receipt.received;
  const std::int32_t newly_sent = distance(path.judged_sent, sent);
  if (newly_sent <= 0 || distance(0, lost) < 0) return;
  const auto newly_lost = static_cast<float>(std::max(distance(path.judged_lost, lost), 0));
  path.judged_sent = sent;
  path.judged_lost = lost;
  const float kept = std::max(1 - static_cast<float>(newly_sent) / parameters_.loss_memory, 0.0F);
  path.recent_sent = path.recent_sent * kept + static_cast<float>(newly_sent);
  path.recent_lost = path.recent_lost * kept + newly_lost;
  path.lost += static_cast<std::uint64_t>(newly_lost);
  if (path.state != PathState::live || path.recent_lost < parameters_.loss_least ||
      path.recent_lost < parameters_.loss_share * path.recent_sent) {
    return;
  }
  const auto lossy = static_cast<std::size_t>(std::ranges::count(paths_, PathState::lossy, &Path::state));
  if (2 * (lossy + 1) > paths_.size()) return;
  path.state = PathState::lossy;
  path.lossy_until = plus(now, path.lossy_next);
  path.lossy_next = std::min(plus(path.lossy_next, path.lossy_next), parameters_.lossy_longest);
}

void PathHealth::advance(Nanoseconds now) noexcept {
  for (Path& path : paths_) {
    if (path.state == PathState::lossy && now >= path.lossy_until) {
      path.state = PathState::live;
      path.recent_sent = 0;
      path.recent_lost = 0;
    }
    if (!path.outstanding) continue;
    const std::int64_t silent = value(now) - value(path.unheard_since);
    if (path.state == PathState::live && silent > value(parameters_.suspect_after) &&
        last_heard_ > path.unheard_since) {
      path.state = PathState::suspect;
    }
    if (path.state == PathState::suspect && silent > value(parameters_.dead_after))
      path.state = PathState::dead;
  }
}

}  // namespace braidway::lb
