#include "lb/slot_table.hpp"

#include <algorithm>
#include <vector>

#include "lb/apportion.hpp"
#include "lb/flow_key.hpp"
#include "lb/require.hpp"

namespace braidway::lb {
namespace {

/// The order in which a path likes the slots: steps of `skip` from `offset`, which visits every slot of a
/// prime number.
struct Permutation {
  std::uint32_t position;
  std::uint32_t skip;

  Permutation(std::size_t path, std::uint64_t seed) noexcept
      : position(SlotTable::slot_of(detail::scramble(seed ^ detail::scramble(2 * path + 1)))),
        skip(1 + static_cast<std::uint32_t>(detail::scramble(seed ^ detail::scramble(2 * path + 2)) %
                                            (SlotTable::slots - 1))) {}

  std::uint32_t take() noexcept {
    const auto slot = position;
    position += skip;
    if (position >= SlotTable::slots) position -= SlotTable::slots;
    return slot;
  }
};

/// The seats of the paths that count: all of weight above 0, or only the live ones among them.
Seats seats_of(std::span<const PathShare> paths, bool live_only) {
  std::array<std::uint32_t, max_paths_per_peer> weights{};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    weights[i] = paths[i].live || !live_only ? paths[i].weight : 0;
  }
  return apportion({weights.data(), paths.size()}, SlotTable::slots);
}

}  // namespace

/// Moves slots of a layer from paths that have too many to paths that have too few, and no others: exactly as
/// many as the new seats differ from the old.
class SlotTable::Distribution {
 public:
  Distribution(Layer& layer, const Seats& seats) noexcept : layer_(layer) {
    for (std::size_t path = 0; path < seats.size(); ++path) {
      const auto had = layer.counts[path];
      if (had > seats[path]) {
        excess_[path] = had - seats[path];
        open_ += had;
      } else {
        missing_[path] = seats[path] - had;
      }
    }
  }

  /// Every path takes what may be had of its home slots.
  void go_home(const Layer& home) noexcept {
    for (std::uint32_t slot = 0; slot < slots && open_ > 0; ++slot) {
      const auto to = value(home.owners[slot]);
      if (missing_[to] > 0 && is_open(slot)) move(slot, to);
    }
  }

  /// What others hold away from home is taken before their homes are.
  void take_guests(const Layer& home) {
    std::uint32_t slot = 0;
    take_turns([&](std::size_t) {
      while (slot < slots && (!is_open(slot) || home.owners[slot] == layer_.owners[slot])) ++slot;
      return slot;
    });
  }

  /// Every path takes the open slots it likes best. When only few are open, liking would be looking for a
  /// needle: the rest is dealt in the order of the slots, which bounds the search.
  void take_liked(std::uint64_t seed) {
    std::vector<Permutation> permutations;
    permutations.reserve(missing_.size());
    for (std::size_t path = 0; path < missing_.size(); ++path) permutations.emplace_back(path, seed);
    constexpr std::uint32_t few = slots / 32;
    std::uint32_t dealt = 0;
    take_turns([&](std::size_t path) {
      if (open_ < few) {
        while (!is_open(dealt)) ++dealt;
        return dealt;
      }
      auto slot = permutations[path].take();
      while (!is_open(slot)) slot = permutations[path].take();
      return slot;
    });
  }

 private:
  /// May the slot change hands? Once it may not, it never may again: nobody's excess grows.
  [[nodiscard]] bool is_open(std::uint32_t slot) const noexcept {
    return excess_[value(layer_.owners[slot])] > 0;
  }

  /// Every path that lacks slots claims 1/256 of them a turn, so that all finish together. `find` names the
  /// slot that a path claims next; `slots` ends it.
  template <typename Find>
  void take_turns(Find find) {
    constexpr std::uint32_t turns = 256;
    const Seats lacked = missing_;
    for (std::uint32_t left = turns; left-- > 0;) {
      for (std::size_t path = 0; path < lacked.size(); ++path) {
        const auto still_missing = static_cast<std::uint32_t>(std::uint64_t{lacked[path]} * left / turns);
        while (missing_[path] > still_missing) {
          const auto slot = find(path);
          if (slot == slots) return;
          move(slot, static_cast<std::uint8_t>(path));
        }
      }
    }
  }

  void move(std::uint32_t slot, std::uint8_t to) noexcept {
    const auto from = value(layer_.owners[slot]);
    layer_.owners[slot] = PathId{to};
    --missing_[to];
    ++layer_.counts[to];
    const auto kept = --layer_.counts[from];
    --open_;
    if (--excess_[from] == 0) open_ -= kept;
  }

  Layer& layer_;
  Seats excess_{};
  Seats missing_{};
  std::uint32_t open_ = 0;  ///< slots whose owner has too many
};

SlotTable SlotTable::build(std::span<const PathShare> paths, std::uint64_t seed) {
  SlotTable nobody;
  nobody.home_ = std::make_shared<const Layer>();
  nobody.live_ = nobody.home_;
  nobody.seed_ = seed;
  return nobody.next(paths);
}

SlotTable SlotTable::next(std::span<const PathShare> paths) const {
  Requirements{"SlotTable"}.within("paths", paths.size(), 0, max_paths_per_peer);
  const auto has_weight = [](const PathShare& path) { return path.weight > 0; };
  const auto is_usable = [](const PathShare& path) { return path.live && path.weight > 0; };
  const auto is_absent = [](const PathShare& path) { return !path.live && path.weight > 0; };
  SlotTable result = *this;

  const auto home_seats = seats_of(paths, false);
  if (std::ranges::any_of(paths, has_weight) && home_seats != home_->counts) {
    auto home = std::make_shared<Layer>(*home_);
    Distribution{*home, home_seats}.take_liked(seed_);
    result.home_ = std::move(home);
  }

  result.empty_ = std::ranges::none_of(paths, is_usable);
  const bool all_live = std::ranges::none_of(paths, is_absent);
  // Nobody to keep slots for, or nobody away before and now: home is where everyone is.
  if (result.empty_ || (live_ == home_ && all_live)) {
    result.live_ = result.home_;
    return result;
  }
  auto live = std::make_shared<Layer>(empty_ ? *result.home_ : *live_);
  Distribution distribution{*live, seats_of(paths, true)};
  distribution.go_home(*result.home_);
  distribution.take_guests(*result.home_);
  distribution.take_liked(seed_);
  result.live_ = std::move(live);
  if (all_live) result.home_ = result.live_;
  return result;
}

}  // namespace braidway::lb
