// A hash map from flows to fixed-size states that never allocates, never moves an entry and never evicts one.
// The ground of the source's flow table and of the sink's order windows.
//
// Open addressing in groups of 15 slots. A group's 15 one-byte tags and its overflow count fill 16 bytes, so
// that one vector comparison finds the candidates, and a look-up touches one line of tags (1.6 bytes a flow:
// they stay in the cache) and one line of entries. The overflow count says how many flows found the group
// full on their way and stand elsewhere; a search ends at the first group whose count is 0. Removal counts
// down along the same way and leaves no tombstones: the map does not degrade however long it runs. (Both as
// in F14: Bronson and Shi, "Open-sourcing F14 for faster, more memory-efficient hash tables", 2019.)
//
// The whole key is kept, 40 of an entry's 64 bytes: two flows never share a state by chance, and what the map
// holds can be shown. Owner: one thread. All memory at construction, about 100 bytes a flow of the capacity.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <immintrin.h>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "lb/flow_key.hpp"
#include "lb/require.hpp"

namespace braidway::lb {

/// The most that a map is made for: 6.5 GB.
inline constexpr std::size_t max_flows = std::size_t{1} << 26;

template <typename State>
class FlowMap {
 public:
  struct alignas(64) Entry {
    FlowKey key;
    State state;
  };
  static_assert(sizeof(Entry) == 64, "one cache line: at most 24 bytes of state");

  /// For at most `capacity` flows, 1 to max_flows. Throws std::invalid_argument.
  explicit FlowMap(std::size_t capacity)
      : capacity_(checked(capacity)),
        groups_(group_count(capacity)),
        entries_(groups_.size() * slots),
        probes_(entries_.size()) {}

  /// out[i] = the state of the flow keys[i], which is made from `initial` if the flow is new; nullptr if it
  /// is new and there is no room for it. The three are of one length; hashes[i] must be the same for the same
  /// key each time. States stay where they are until sweep() removes them. `meanwhile(i)` is called for each
  /// packet in turn: work that does not hang on the look-up and is done while that waits for memory.
  template <typename Meanwhile>
  void find_or_insert(std::span<const std::uint64_t> hashes, std::span<const FlowKey> keys,
                      const State& initial, std::span<State*> out, Meanwhile meanwhile) noexcept {
    for (std::size_t first = 0; first < keys.size(); first += batch) {
      const auto count = std::min(batch, keys.size() - first);
      std::array<Place, batch> homes;
      for (std::size_t i = 0; i < count; ++i) {
        homes[i] = home_of(hashes[first + i]);
        __builtin_prefetch(&groups_[homes[i].group]);
      }
      for (std::size_t i = 0; i < count; ++i) {
        const auto [group, tag] = homes[i];
        const auto candidates = match(groups_[group], tag);
        if (candidates != 0) __builtin_prefetch(&entry(group, first_of(candidates)), 1);
      }
      for (std::size_t i = 0; i < count; ++i) {
        const auto& key = keys[first + i];
        State* found = find(homes[i], key);
        out[first + i] = found != nullptr ? found : insert(homes[i], key, initial);
        meanwhile(first + i);
      }
    }
  }

  void find_or_insert(std::span<const std::uint64_t> hashes, std::span<const FlowKey> keys,
                      const State& initial, std::span<State*> out) noexcept {
    find_or_insert(hashes, keys, initial, out, [](std::size_t) {});
  }

  /// The state of a flow, or nullptr.
  [[nodiscard]] State* find(std::uint64_t hash, const FlowKey& key) noexcept {
    return find(home_of(hash), key);
  }

  /// Visits the groups that are due at `now` if a round through all of them is to take `round`, but at most 8
  /// groups (120 entries) a call, and removes the flows whose state `remove` says yes to. Returns how many.
  template <typename Remove>
  std::size_t sweep(Nanoseconds now, Nanoseconds round, Remove remove) noexcept {
    constexpr std::int64_t most = 8;
    const auto pace = std::max<std::int64_t>(1, value(round) / static_cast<std::int64_t>(groups_.size()));
    if (now > swept_at_ && value(now) - value(swept_at_) > value(round)) {
      swept_at_ = Nanoseconds{value(now) - value(round)};
    }
    std::size_t removed = 0;
    for (std::int64_t i = 0; i < most && value(swept_at_) + pace <= value(now); ++i) {
      swept_at_ = Nanoseconds{value(swept_at_) + pace};
      removed += sweep_group(next_to_sweep_, remove);
      if (++next_to_sweep_ == groups_.size()) next_to_sweep_ = 0;
    }
    return removed;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// Times that a new flow found no room, since construction.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
  /// Full groups that the flows in the map passed on their way, all together: by so much searches are longer
  /// than they could be. Reads all groups.
  [[nodiscard]] std::uint64_t displacement() const noexcept {
    return std::accumulate(groups_.begin(), groups_.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const Group& group) { return sum + group.overflow; });
  }

 private:
  static constexpr unsigned slots = 15;  ///< a group
  static constexpr unsigned used_on_average =
      10;  ///< at capacity: then 8 % are full, and 8 in a row with 1e-8
  static constexpr unsigned most_probes = 8;
  static constexpr std::size_t batch = 64;
  static constexpr std::uint8_t saturated = std::numeric_limits<std::uint8_t>::max();

  struct alignas(16) Group {
    std::array<std::uint8_t, slots> tags{};  ///< 0: free
    std::uint8_t overflow = 0;               ///< flows that went past; stays at 255 once it got there
  };
  static_assert(sizeof(Group) == 16);

  struct Place {
    std::uint32_t group;
    std::uint8_t tag;
  };

  static std::size_t checked(std::size_t capacity) {
    Requirements{"FlowMap"}.within("capacity", capacity, 1, max_flows);
    return capacity;
  }

  /// A prime: then every stride visits all groups.
  static std::size_t group_count(std::size_t capacity) {
    const auto is_prime = [](std::size_t n) {
      for (std::size_t divisor = 2; divisor * divisor <= n; ++divisor) {
        if (n % divisor == 0) return false;
      }
      return true;
    };
    auto count = std::max<std::size_t>(2, capacity / used_on_average + 1);
    while (!is_prime(count)) ++count;
    return count;
  }

  /// The hash is multiplied first: a table may be given only such flows as agree in some bits of their hash
  /// (a lane's).
  [[nodiscard]] Place home_of(std::uint64_t hash) const noexcept {
    const std::uint64_t mixed = hash * 0x9e37'79b9'7f4a'7c15ULL;
    const auto tag = static_cast<std::uint8_t>(mixed >> 24);
    return {static_cast<std::uint32_t>((mixed >> 32) * groups_.size() >> 32),
            tag == 0 ? std::uint8_t{1} : tag};
  }
  /// The group after `group` on the way of a tag. It depends on nothing else, so that removal finds the way
  /// back.
  [[nodiscard]] std::uint32_t step(std::uint32_t group, std::uint8_t tag) const noexcept {
    const auto count = static_cast<std::uint32_t>(groups_.size());
    const auto stride = 1 + (2 * std::uint32_t{tag}) % (count - 1);
    return group + stride >= count ? group + stride - count : group + stride;
  }
  [[nodiscard]] std::uint32_t step_back(std::uint32_t group, std::uint8_t tag) const noexcept {
    const auto count = static_cast<std::uint32_t>(groups_.size());
    const auto stride = 1 + (2 * std::uint32_t{tag}) % (count - 1);
    return group >= stride ? group - stride : group + count - stride;
  }

  static std::uint32_t match(const Group& group, std::uint8_t tag) noexcept {
    const auto tags = _mm_load_si128(reinterpret_cast<const __m128i*>(&group));
    const auto equal = _mm_cmpeq_epi8(tags, _mm_set1_epi8(static_cast<char>(tag)));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(equal)) & ((1U << slots) - 1);
  }
  static unsigned first_of(std::uint32_t mask) noexcept {
    return static_cast<unsigned>(std::countr_zero(mask));
  }

  static bool same(const FlowKey& a, const FlowKey& b) noexcept {
    const auto& x = a.words;
    const auto& y = b.words;
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4])) == 0;
  }

  Entry& entry(std::uint32_t group, unsigned slot) noexcept {
    return entries_[std::size_t{group} * slots + slot];
  }
  std::uint8_t& probes(std::uint32_t group, unsigned slot) noexcept {
    return probes_[std::size_t{group} * slots + slot];
  }

  State* find(Place place, const FlowKey& key) noexcept {
    auto [group, tag] = place;
    for (unsigned probe = 0; probe < most_probes; ++probe) {
      for (auto candidates = match(groups_[group], tag); candidates != 0; candidates &= candidates - 1) {
        auto& candidate = entry(group, first_of(candidates));
        if (same(candidate.key, key)) [[likely]] {
          return &candidate.state;
        }
      }
      if (groups_[group].overflow == 0) break;
      group = step(group, tag);
    }
    return nullptr;
  }

  State* insert(Place place, const FlowKey& key, const State& initial) noexcept {
    auto [group, tag] = place;
    for (std::uint8_t probe = 0; probe < most_probes && size_ < capacity_;
         ++probe, group = step(group, tag)) {
      const auto free = match(groups_[group], 0);
      if (free == 0) continue;
      const auto slot = first_of(free);
      groups_[group].tags[slot] = tag;
      probes(group, slot) = probe;
      entry(group, slot) = {key, initial};
      ++size_;
      for (auto passed = place.group; probe > 0; --probe, passed = step(passed, tag)) {
        auto& overflow = groups_[passed].overflow;
        if (overflow != saturated) ++overflow;
      }
      return &entry(group, slot).state;
    }
    ++refused_;
    return nullptr;
  }

  template <typename Remove>
  std::size_t sweep_group(std::uint32_t group, Remove& remove) noexcept {
    std::size_t removed = 0;
    for (unsigned slot = 0; slot < slots; ++slot) {
      const auto tag = groups_[group].tags[slot];
      if (tag == 0 || !remove(entry(group, slot).state)) continue;
      groups_[group].tags[slot] = 0;
      --size_;
      ++removed;
      auto passed = group;
      for (auto left = probes(group, slot); left > 0; --left) {
        passed = step_back(passed, tag);
        auto& overflow = groups_[passed].overflow;
        if (overflow != saturated) --overflow;
      }
    }
    return removed;
  }

  std::size_t capacity_;
  std::size_t size_ = 0;
  std::uint64_t refused_ = 0;
  Nanoseconds swept_at_{};
  std::uint32_t next_to_sweep_ = 0;
  std::vector<Group> groups_;
  std::vector<Entry> entries_;
  std::vector<std::uint8_t> probes_;  ///< by entry: groups on its way that were full when it came
};

}  // namespace braidway::lb
