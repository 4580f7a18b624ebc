#include "lb/path_standing.hpp"

#include <string_view>

#include "lb/require.hpp"
#include "lb/sequence.hpp"

namespace braidway::lb {
namespace {

std::size_t checked(std::string_view name, std::size_t count) {
  Requirements{"PathStanding"}.within(name, count, 0, PathStanding::most);
  return count;
}

}  // namespace

PathStanding::PathStanding(std::size_t sources, std::size_t strands)
    : index_(std::size_t{1} << 16),
      boots_(index_.size()),
      sources_(checked("sources", sources) + 1),
      strands_(checked("strands", strands)) {}

SourceIndex PathStanding::source(GatewayId gateway) noexcept {
  auto& index = index_[value(gateway)];
  if (index == SourceIndex{} && sources_used_ < sources_.size()) {
    index = SourceIndex{static_cast<std::uint16_t>(sources_used_++)};
  }
  return index;
}

void PathStanding::restart(GatewayId gateway) noexcept {
  ++boots_[value(gateway)];
  const auto index = index_[value(gateway)];
  if (index == SourceIndex{}) return;
  for (auto& path : sources_[value(index)].paths) {
    path.dead = false;
    path.reordered = false;
    // Its clock has begun anew too.
    path.heard = Nanoseconds{-2 * youth};
    if (path.strand != 0) strands_[path.strand - 1U] = {};
  }
}

void PathStanding::set_live(SourceIndex source, PathId path) noexcept {
  at(source, path).dead = false;
  at(source, path).reordered = false;
}

void PathStanding::set_reordered(SourceIndex source, PathId path) noexcept {
  at(source, path).reordered = true;
  ++at(source, path).violations;
}

void PathStanding::hear(SourceIndex source, PathId id, const Departure& departure, Nanoseconds now) noexcept {
  if (!departure.known) return;
  Path& path = at(source, id);
  const bool fresh = value(now) - value(path.heard) <= youth;
  if (!fresh || before(path.departed, departure.time)) path.departed = departure.time;
  path.heard = now;
}

bool PathStanding::behind(SourceIndex source, PathId path, const Departure& departure,
                          Nanoseconds slack) const noexcept {
  const auto late = departure.time + static_cast<std::uint32_t>(value(slack));
  return departure.known && !before(late, at(source, path).departed);
}

bool PathStanding::declare_strand(SourceIndex source, PathId path) noexcept {
  if (source == SourceIndex{}) return false;
  if (at(source, path).strand != 0) return true;
  if (strands_used_ == strands_.size()) return false;
  at(source, path).strand = static_cast<std::uint16_t>(++strands_used_);
  return true;
}

bool PathStanding::observe(SourceIndex source, PathId path, const Departure& departure,
                           Nanoseconds now) noexcept {
  const auto strand = at(source, path).strand;
  if (strand == 0 || !departure.known) return false;
  auto& mark = strands_[strand - 1U].marks[Strand::of(departure)];
  const bool fresh = value(now) - value(mark.seen) <= youth;
  if (fresh && !before(mark.departed, departure.time)) return false;
  mark = {now, departure.time};
  return true;
}

bool PathStanding::passed(SourceIndex source, PathId path, const Departure& departure,
                          Nanoseconds now) const noexcept {
  const auto strand = at(source, path).strand;
  if (strand == 0 || !departure.known) return false;
  const auto& mark = strands_[strand - 1U].marks[Strand::of(departure)];
  return value(now) - value(mark.seen) <= youth && before(departure.time, mark.departed);
}

}  // namespace braidway::lb
