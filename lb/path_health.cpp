#include "lb/path_health.hpp"

#include <algorithm>

#include "lb/require.hpp"
#include "lb/sequence.hpp"

namespace braidway::lb {
namespace {

constexpr Nanoseconds plus(Nanoseconds a, Nanoseconds b) noexcept { return Nanoseconds{value(a) + value(b)}; }
constexpr Nanoseconds minus(Nanoseconds a, Nanoseconds b) noexcept {
  return Nanoseconds{value(a) - value(b)};
}

PathHealth::Parameters checked(std::size_t paths, const PathHealth::Parameters& p) {
  const Requirements require{"PathHealth"};
  constexpr Nanoseconds shortest{1};
  require.within("paths", paths, 1, max_paths_per_peer);
  require.within("suspect_after", p.suspect_after, shortest, longest_wait);
  require.within("dead_after", p.dead_after, shortest, longest_wait);
  require.above("dead_after", p.dead_after, "suspect_after", p.suspect_after);
  // Else one turn that took long would make paths suspect.
  require.within("longest_turn", p.longest_turn, shortest, longest_wait);
  require.at_most("longest_turn", p.longest_turn, "suspect_after", p.suspect_after);
  require.within("loss_memory", p.loss_memory, 1, 1e9F);
  require.within("loss_share", p.loss_share, 0, 1);
  // Else no path could ever lose too much.
  require.within("loss_least", p.loss_least, 0, 1e9F);
  require.at_most("loss_least", p.loss_least, "loss_memory", p.loss_memory);
  require.within("loss_outlying", p.loss_outlying, 0, 1e6F);
  require.within("lossy_for", p.lossy_for, shortest, longest_wait);
  require.within("lossy_longest", p.lossy_longest, shortest, longest_wait);
  require.at_most("lossy_for", p.lossy_for, "lossy_longest", p.lossy_longest);
  return p;
}

}  // namespace

PathHealth::PathHealth(std::size_t paths, const Parameters& parameters)
    : parameters_(checked(paths, parameters)), paths_(paths) {
  for (Path& path : paths_) path.lossy_next = parameters.lossy_for;
}

void PathHealth::run(Nanoseconds now) noexcept {
  ran_ = plus(ran_, std::min(minus(now, last_call_), parameters_.longest_turn));
  last_call_ = now;
}

void PathHealth::sent(PathId id, Nanoseconds departure, Nanoseconds now) noexcept {
  run(now);
  await_sign(paths_[value(id)]);
  paths_[value(id)].sent.count(departure);
}

void PathHealth::probed(PathId id, Nanoseconds now) noexcept {
  run(now);
  await_sign(paths_[value(id)]);
}

void PathHealth::await_sign(Path& path) noexcept {
  if (path.outstanding) return;
  path.outstanding = true;
  path.unheard_since = ran_;
}

void PathHealth::received(std::span<const PathReceipt> receipts, Nanoseconds now) noexcept {
  run(now);
  for (const PathReceipt& receipt : receipts) {
    Path& path = paths_[value(receipt.path)];
    const PathSent sent = receipt.sent.value_or(
        PathSent{.through = path.sent.through(receipt.period), .total = path.sent.total()});
    if (receipt.heard) {
      path.outstanding = false;
      heard_at_ = ran_;
      if (path.state == PathState::dead) path.judged_from = sent.total;
      if (path.state == PathState::suspect || path.state == PathState::dead) path.state = PathState::live;
    }
    judge_loss(path, receipt, sent, now);
  }
}

/// Adds up what was lost since the counts were last compared. Less than nothing where packets came late.
void PathHealth::judge_loss(Path& path, const PathReceipt& receipt, const PathSent& counted,
                            Nanoseconds now) noexcept {
  const auto sent = counted.through;
  if (!sent) return;
  const std::int32_t newly_sent = distance(path.judged_sent, *sent);
  if (newly_sent <= 0) return;
  const std::int32_t newly_received = distance(path.judged_received, receipt.received);
  const std::int32_t newly_late = std::max(distance(path.judged_late, receipt.late), 0);
  const bool judged = !before(path.judged_sent, path.judged_from);
  path.judged_late = receipt.late;
  path.judged_sent = *sent;
  path.judged_received = receipt.received;
  if (newly_received < 0) {
    // The peer has begun to count anew, somewhere among what is under way.
    path.judged_from = counted.total;
    return;
  }
  const std::int64_t newly_lost = std::int64_t{newly_sent} - newly_received;
  path.lost = std::max<std::int64_t>(path.lost + newly_lost, 0);
  if (!judged) return;
  path.judged_from = *sent;
  const float kept = std::max(1 - static_cast<float>(newly_sent) / parameters_.loss_memory, 0.0F);
  path.recent_sent = path.recent_sent * kept + static_cast<float>(newly_sent);
  path.recent_lost = std::max(path.recent_lost * kept + static_cast<float>(newly_lost + newly_late), 0.0F);
  if (path.state != PathState::live || !loses_too_much(path)) return;
  path.state = PathState::lossy;
  if (minus(now, path.lossy_until) > parameters_.lossy_longest) path.lossy_next = parameters_.lossy_for;
  path.lossy_until = plus(now, path.lossy_next);
  path.lossy_next = std::min(plus(path.lossy_next, path.lossy_next), parameters_.lossy_longest);
}

bool PathHealth::loses_too_much(const Path& path) const noexcept {
  if (path.recent_lost < parameters_.loss_share * path.recent_sent) return false;
  std::size_t lossy = 1;
  std::size_t live = 0;
  float sent = 0;
  float lost = 0;
  for (const Path& other : paths_) {
    lossy += other.state == PathState::lossy ? 1 : 0;
    live += other.state == PathState::live ? 1 : 0;
    if (&other == &path || other.state == PathState::lossy) continue;
    sent += other.recent_sent;
    lost += other.recent_lost;
  }
  if (2 * lossy > paths_.size() || live < 2) return false;
  const float of_others = sent > 0 ? lost / sent * path.recent_sent : 0;
  return path.recent_lost >= parameters_.loss_least + parameters_.loss_outlying * of_others;
}

void PathHealth::revive(Path& path) noexcept {
  path.state = PathState::live;
  path.outstanding = false;
  path.recent_sent = 0;
  path.recent_lost = 0;
}

void PathHealth::advance(Nanoseconds now) noexcept {
  run(now);
  for (Path& path : paths_) {
    if (path.state == PathState::lossy && now >= path.lossy_until) revive(path);
    if (!path.outstanding) continue;
    const Nanoseconds silent = minus(ran_, path.unheard_since);
    const std::int64_t heard_after = value(heard_at_) - value(path.unheard_since);
    if (path.state == PathState::live && silent > parameters_.suspect_after &&
        2 * heard_after > value(parameters_.suspect_after)) {
      path.state = PathState::suspect;
    }
    if (path.state == PathState::suspect && silent > parameters_.dead_after) path.state = PathState::dead;
  }
  // A path that loses some is better than none.
  if (std::ranges::any_of(paths_, [](const Path& path) { return path.state == PathState::live; })) return;
  for (Path& path : paths_) {
    if (path.state == PathState::lossy) revive(path);
  }
}

}  // namespace braidway::lb
