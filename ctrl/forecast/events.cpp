#include "ctrl/forecast/events.hpp"

#include <algorithm>

namespace braidway::ctrl::forecast {
namespace {

Outcome outcome_of(const model::Forecast& forecast, const model::CrossLoad& load) noexcept {
  const float middle = (forecast.lower + forecast.upper) / 2;
  if (load.unknown()) return Outcome::not_seen;
  if (load.load < middle) return Outcome::did_not_come;
  return load.censored ? Outcome::not_seen : Outcome::came;
}

}  // namespace

std::string_view name_of(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::none:
      return "none";
    case Outcome::waiting:
      return "waiting";
    case Outcome::came:
      return "came";
    case Outcome::did_not_come:
      return "did-not-come";
    case Outcome::not_seen:
      break;
  }
  return "not-seen";
}

void Events::add(Event event, std::uint64_t tick) {
  Entry& entry = entries_[added_ % kept];
  // What is pushed out before its tick has come is never completed.
  if (entry.event.outcome == Outcome::waiting) --waiting_;
  event.number = ++added_;
  event.outcome = event.foreseen ? Outcome::waiting : Outcome::none;
  if (event.foreseen) ++waiting_;
  ++outcomes_[static_cast<std::size_t>(event.outcome)];
  entry = {.event = event, .due = tick + event.horizon};
}

void Events::observe(std::uint64_t tick, std::span<const model::Sample> samples) noexcept {
  for (std::uint64_t left = waiting_, back = 0; left > 0 && back < std::min<std::uint64_t>(added_, kept);
       ++back) {
    Entry& entry = entries_[(added_ - 1 - back) % kept];
    if (entry.event.outcome != Outcome::waiting) continue;
    --left;
    if (entry.due > tick) continue;
    const bool seen = entry.due == tick && entry.event.path < samples.size();
    entry.event.load = seen ? samples[entry.event.path].load : model::CrossLoad{};
    entry.event.outcome = outcome_of(entry.event.forecast, entry.event.load);
    --outcomes_[static_cast<std::size_t>(Outcome::waiting)];
    ++outcomes_[static_cast<std::size_t>(entry.event.outcome)];
    --waiting_;
  }
}

std::vector<Event> Events::last(std::size_t most) const {
  const std::uint64_t count = std::min<std::uint64_t>({most, kept, added_});
  std::vector<Event> out;
  out.reserve(count);
  for (std::uint64_t number = added_ - count; number < added_; ++number) {
    out.push_back(entries_[number % kept].event);
  }
  return out;
}

}  // namespace braidway::ctrl::forecast
