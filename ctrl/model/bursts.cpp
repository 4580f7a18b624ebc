#include "ctrl/model/bursts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "lb/require.hpp"

namespace braidway::ctrl::model {
namespace {

/// Nothing can be seen to rise above this.
constexpr float full = 0.97F;
/// Where the bound is less than this part of a burst's height above the level, a burst would be seen.
constexpr float shows = 0.75F;
/// A burst that lasts so long is the path's new base, bins.
constexpr double longest_burst = 10'000;

void check(const Shape& shape) {
  const lb::Requirements require{"Bursts"};
  require.within("paths", shape.paths, 1, lb::max_paths_per_peer);
  require.within("bins", shape.bins, 1, std::size_t{1'000});
  require.within("horizons", shape.horizons.size(), 1, std::size_t{64});
}

}  // namespace

Bursts::Bursts(const Shape& shape)
    : paths_(shape.paths), horizons_(shape.horizons), bins_(static_cast<double>(shape.bins)) {
  check(shape);
}

void Bursts::observe(std::span<const Sample> paths) noexcept {
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    Path& path = paths_[i];
    for (const CrossLoad& bin : paths[i].bins) look(path, bin);
    for (std::size_t t = path.trains; t-- > 0;) {
      path.train[t].advance(path.edges.bins(), path.hidden);
      if (path.train[t].gone()) drop(path, t);
    }
  }
}

void Bursts::look(Path& path, const CrossLoad& bin) noexcept {
  const float level = path.edges.level();
  if (level >= full || bin.unknown()) path.hidden = path.edges.bins();
  if (bin.unknown()) {
    path.edges.skip();
    return;
  }
  // A bound below the level says that the load has fallen; one above it at most that no burst has begun.
  if (bin.censored && bin.load >= level - path.edges.tolerance()) {
    if (bin.load < level + shows * path.usual_height) {
      path.edges.stay();
    } else {
      path.hidden = path.edges.bins();
      path.edges.skip();
    }
    return;
  }
  const auto edge = path.edges.observe(bin.censored ? std::min(path.base, bin.load) : bin.load);
  if (!path.based) {
    path.base = bin.censored ? 0 : bin.load;
    path.based = true;
  }
  if (edge) {
    edge->height > 0 ? rise(path, *edge) : fall(path, *edge);
  } else if (path.actives == 0) {
    path.base = path.edges.level();
  } else if (path.edges.bins() - path.active[0].began > longest_burst) {
    path.actives = 0;
  }
}

void Bursts::begin(Path& path, const Edge& edge, std::size_t train) noexcept {
  if (path.actives == most_active) end(path, 0, edge);
  path.active[path.actives++] = {.began = edge.at, .height = edge.height, .train = train};
}

/// Two jobs whose bursts begin within the same bin.
bool Bursts::begin_of_two(Path& path, const Edge& edge) noexcept {
  const float tolerance = path.edges.tolerance();
  for (std::size_t a = 0; a < path.trains; ++a) {
    for (std::size_t b = a + 1; b < path.trains; ++b) {
      const float both = path.train[a].height() + path.train[b].height();
      if (std::abs(edge.height - both) > std::max(tolerance, both / 8)) continue;
      if (std::isinf(path.train[a].misfit(edge.at)) || std::isinf(path.train[b].misfit(edge.at))) continue;
      for (const std::size_t of : {a, b}) {
        leave(path, of);
        path.train[of].begins(edge.at, path.train[of].height(), edge.unsure);
        begin(path, {.at = edge.at, .height = path.train[of].height()}, of);
      }
      return true;
    }
  }
  return false;
}

/// The train's last burst must have ended, with something else, for a new one begins.
void Bursts::leave(Path& path, std::size_t train) noexcept {
  for (std::size_t i = 0; i < path.actives; ++i) {
    if (path.active[i].train == train) {
      remove_active(path, i);
      return;
    }
  }
}

/// Every other burst of a job was taken for one of twice the period, and the rest are found now.
void Bursts::join_halves(Path& path, BurstTrain& found) noexcept {
  for (std::size_t i = 0; i < path.trains; ++i) {
    if (!path.train[i].halves(found, path.edges.tolerance())) continue;
    found.halve();
    drop(path, i);
    return;
  }
}

void Bursts::rise(Path& path, const Edge& edge) noexcept {
  path.usual_height += (edge.height - path.usual_height) / 8;
  std::size_t best = none;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < path.trains; ++i) {
    // The likeliest of normal distributions, their heights too: a wide one is less likely anywhere.
    const double deviation = path.train[i].deviation();
    const double off = path.train[i].misfit(edge.at, edge.height, path.edges.tolerance()) / deviation;
    const double unlikely = off * off / 2 + std::log(deviation);
    if (unlikely < least) {
      least = unlikely;
      best = i;
    }
  }
  if (best != none) {
    leave(path, best);
    path.train[best].begins(edge.at, edge.height, edge.unsure);
    begin(path, edge, best);
    return;
  }
  if (begin_of_two(path, edge)) return;
  if (auto found = path.search.add(edge.at, edge.height, path.edges.tolerance())) {
    join_halves(path, *found);
    if (path.trains == most_trains) drop(path, 0);
    path.train[path.trains] = *found;
    begin(path, edge, path.trains++);
    return;
  }
  begin(path, edge, none);
}

void Bursts::remove_active(Path& path, std::size_t active) noexcept {
  std::copy(path.active.begin() + static_cast<std::ptrdiff_t>(active) + 1,
            path.active.begin() + static_cast<std::ptrdiff_t>(path.actives),
            path.active.begin() + static_cast<std::ptrdiff_t>(active));
  --path.actives;
}

void Bursts::end(Path& path, std::size_t active, const Edge& edge) noexcept {
  const Active ended = path.active[active];
  remove_active(path, active);
  if (ended.train != none) {
    path.train[ended.train].ends(edge.at, edge.unsure);
    return;
  }
  const auto length = static_cast<float>(edge.at - ended.began);
  path.stray_length += (length - path.stray_length) * (path.stray_length > 0 ? 0.2F : 1.0F);
}

/// The burst of the height that the load fell by has ended; all, if it fell to the base.
void Bursts::fall(Path& path, const Edge& edge) noexcept {
  const float tolerance = path.edges.tolerance();
  if (path.edges.level() <= path.base + tolerance) {
    while (path.actives > 0) end(path, path.actives - 1, edge);
    path.base = path.edges.level();
    return;
  }
  if (path.actives == 0) return;
  // Of those of the height, the one whose time has come.
  std::size_t nearest = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < path.actives; ++i) {
    const Active& active = path.active[i];
    const double height_off = std::abs(active.height + edge.height) / tolerance;
    const double lasted = edge.at - active.began;
    const double usual = active.train != none ? path.train[active.train].length() : path.stray_length;
    const double off = height_off + std::abs(lasted - usual) / std::max(usual, lasted);
    if (off < least) {
      least = off;
      nearest = i;
    }
  }
  end(path, nearest, edge);
}

void Bursts::drop(Path& path, std::size_t train) noexcept {
  std::copy(path.train.begin() + static_cast<std::ptrdiff_t>(train) + 1,
            path.train.begin() + static_cast<std::ptrdiff_t>(path.trains),
            path.train.begin() + static_cast<std::ptrdiff_t>(train));
  --path.trains;
  for (std::size_t i = 0; i < path.actives; ++i) {
    std::size_t& of = path.active[i].train;
    of = of == train ? none : of != none && of > train ? of - 1 : of;
  }
}

Forecast Bursts::forecast(std::size_t number, std::size_t horizon) const noexcept {
  const Path& path = paths_[number];
  const double now = path.edges.bins();
  const double to = now + bins_ * horizons_[horizon];
  Forecast out{.load = path.base, .lower = path.base, .upper = path.base};
  float free = 1;
  for (std::size_t i = 0; i < path.trains; ++i) {
    const BurstTrain& train = path.train[i];
    if (!train.believed()) continue;
    const auto expected = train.expected(now, to - bins_, to);
    out.load += expected.median * train.height();
    free *= 1 - expected.mean;
    out.upper = std::max(out.upper, path.base + train.height());
  }
  for (std::size_t i = 0; i < path.actives; ++i) {
    const Active& stray = path.active[i];
    if (stray.train != none && path.train[stray.train].believed()) continue;
    // Half of them last longer than usual, and those that do for as long again.
    const double lasted = now - stray.began;
    const double ends = lasted < path.stray_length ? stray.began + path.stray_length : now + lasted;
    const auto part = static_cast<float>(std::clamp((ends - (to - bins_)) / bins_, 0.0, 1.0));
    out.load += part * stray.height;
    free *= 1 - part;
    out.upper = std::max(out.upper, path.base + stray.height);
  }
  out.burst = 1 - free;
  out.load = std::clamp(out.load, 0.0F, 1.0F);
  out.upper = std::clamp(out.upper, 0.0F, 1.0F);
  return out;
}

}  // namespace braidway::ctrl::model
