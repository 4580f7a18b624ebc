#include "lb/policy_governor.hpp"

#include <algorithm>

#include "lb/require.hpp"

namespace braidway::lb {
namespace {

constexpr Nanoseconds plus(Nanoseconds a, Nanoseconds b) noexcept { return Nanoseconds{value(a) + value(b)}; }
constexpr Nanoseconds minus(Nanoseconds a, Nanoseconds b) noexcept {
  return Nanoseconds{value(a) - value(b)};
}

constexpr Policy lowered(Policy policy, unsigned steps) noexcept {
  for (; steps > 0 && policy != Policy::pinned; --steps) {
    switch (policy) {
      case Policy::automatic:
      case Policy::spray:
        policy = Policy::reroute;
        break;
      case Policy::reroute:
        policy = Policy::idle_move;
        break;
      case Policy::idle_move:
      case Policy::pinned:
        policy = Policy::pinned;
        break;
    }
  }
  return policy;
}

/// The time to wait after one of `last`, which ended at `ended`: twice as long, or the first again if all was
/// well for the longest since.
Nanoseconds next_wait(Nanoseconds last, std::optional<Nanoseconds> ended, Nanoseconds first,
                      Nanoseconds longest, Nanoseconds now) noexcept {
  if (!ended || minus(now, *ended) > longest) return first;
  return std::min(plus(last, last), longest);
}

PolicyGovernor::Parameters checked(const PolicyGovernor::Parameters& p) {
  const Requirements require{"PolicyGovernor"};
  constexpr Nanoseconds none{};
  constexpr Nanoseconds shortest{1};
  require.within("out_for", p.out_for, none, longest_wait);
  require.within("well_for", p.well_for, shortest, longest_wait);
  require.within("well_longest", p.well_longest, shortest, longest_wait);
  require.at_most("well_for", p.well_for, "well_longest", p.well_longest);
  require.within("naks_expected", p.naks_expected, 0, 1);
  require.within("harm_factor", p.harm_factor, 1, 1e6);
  require.within("harm_least", p.harm_least, 0, 1e9);
  require.within("harm_for", p.harm_for, none, longest_wait);
  require.within("judged_packets", p.judged_packets, 1, std::uint64_t{1} << 40);
  require.within("learning", p.learning, 0, 1);
  require.within("forgetting", p.forgetting, 0, 1);
  require.within("settling", p.settling, none, longest_wait);
  require.within("retry_after", p.retry_after, shortest, longest_wait);
  require.within("retry_longest", p.retry_longest, shortest, longest_wait);
  require.at_most("retry_after", p.retry_after, "retry_longest", p.retry_longest);
  return p;
}

}  // namespace

PolicyGovernor::PolicyGovernor(Policy configured, const Parameters& parameters)
    : parameters_(checked(parameters)),
      configured_(configured),
      policy_(configured),
      well_for_(parameters.well_for),
      retry_after_(parameters.retry_after),
      naks_pinned_(parameters.naks_expected) {}

void PolicyGovernor::count(std::uint64_t packets, std::uint64_t naks, Nanoseconds now) noexcept {
  if (now < counted_from_) return;
  packets_ += packets;
  naks_ += naks;
}

bool PolicyGovernor::harms() const noexcept {
  const double of_pinned = naks_pinned_ * static_cast<double>(packets_);
  return static_cast<double>(naks_) >= parameters_.harm_factor * of_pinned + parameters_.harm_least;
}

/// Ends a count.
void PolicyGovernor::learn() noexcept {
  const double share = static_cast<double>(naks_) / static_cast<double>(packets_);
  if (policy_ == Policy::pinned) {
    // What was there before the first count was a guess.
    naks_pinned_ += (share - naks_pinned_) * (learnt_ ? parameters_.learning : 1);
    learnt_ = true;
  } else if (share < naks_pinned_) {
    naks_pinned_ += (share - naks_pinned_) * parameters_.forgetting;
  }
  naks_pinned_ = std::max(naks_pinned_, parameters_.naks_expected);
  packets_ = 0;
  naks_ = 0;
}

/// Counts anew, when what is under way has arrived.
void PolicyGovernor::forget(Nanoseconds now) noexcept {
  packets_ = 0;
  naks_ = 0;
  counted_from_ = plus(now, parameters_.settling);
}

std::optional<PolicyEvent> PolicyGovernor::change(PolicyCause cause, Nanoseconds now) noexcept {
  const Policy before = policy_;
  // A tenth of a count is better than none.
  if (before == Policy::pinned && 10 * packets_ >= parameters_.judged_packets) learn();
  policy_ = harmed_ ? Policy::pinned : lowered(configured_, steps_);
  if (policy_ == before) return std::nullopt;
  forget(now);
  return PolicyEvent{.at = now, .from = before, .to = policy_, .cause = cause};
}

std::optional<PolicyEvent> PolicyGovernor::advance(std::size_t out, std::size_t paths,
                                                   Nanoseconds now) noexcept {
  const bool half_out = paths > 0 && 2 * out >= paths;
  if (half_out != half_out_) {
    half_out_ = half_out;
    since_ = now;
  }
  if (out > out_) forget(now);
  out_ = out;
  if (policy_ == Policy::pinned || !harms()) {
    harms_since_.reset();
    if (packets_ >= parameters_.judged_packets) learn();
  } else if (!harms_since_) {
    harms_since_ = now;
  } else if (minus(now, *harms_since_) >= parameters_.harm_for) {
    harmed_ = true;
    retry_after_ =
        next_wait(retry_after_, retried_at_, parameters_.retry_after, parameters_.retry_longest, now);
    retry_at_ = plus(now, retry_after_);
    return change(PolicyCause::harm, now);
  }
  if (harmed_ && now >= retry_at_) {
    harmed_ = false;
    retried_at_ = now;
    return change(PolicyCause::retry, now);
  }
  if (half_out_ && minus(now, since_) >= parameters_.out_for &&
      lowered(configured_, steps_) != Policy::pinned) {
    if (steps_ == 0 || stepped_up_at_) {
      well_for_ = next_wait(well_for_, stepped_up_at_, parameters_.well_for, parameters_.well_longest, now);
      stepped_up_at_.reset();
    }
    ++steps_;
    since_ = now;
    return change(PolicyCause::paths_out, now);
  }
  if (!half_out_ && steps_ > 0 && minus(now, since_) >= well_for_) {
    --steps_;
    since_ = now;
    stepped_up_at_ = now;
    return change(PolicyCause::paths_back, now);
  }
  return std::nullopt;
}

}  // namespace braidway::lb
