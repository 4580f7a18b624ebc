// Which way a single flow takes through somebody's ECMP fabric, where no gateway is at the far end: the
// fabric hashes its addresses and ports, so another UDP source port or IPv6 flow label takes it elsewhere.
// Nobody knows where to; a flow that fares badly tries its luck, as often as it goes on faring badly.
//
// It is changed only when nothing of the flow is under way: after a silence longer than the paths' skew, so
// that nothing is overtaken. A flow that begins has what its host gave it, and so has one for which there is
// no room.
//
// Pure; owner: one lane's worker. Time never goes back. All memory at construction, about 100 bytes a flow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lb/flow_key.hpp"
#include "lb/flow_map.hpp"
#include "lb/tick.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

class FlowEntropy {
 public:
  struct Parameters {
    /// Flows remembered.
    std::size_t flows = 65'536;
    /// Silence after which nothing of a flow is under way: Steering's.
    Nanoseconds idle{200'000};
    /// How long a flow keeps its entropy at least: trouble of the old way is told of for a while.
    Nanoseconds hold{10'000'000};
    /// Silence after which a flow is forgotten, and begins anew: FlowTable's.
    Nanoseconds forget{2'000'000'000};
  };

  /// Throws std::invalid_argument for what it cannot work with.
  explicit FlowEntropy(const Parameters& parameters);

  /// out[i]: 32 bits for the flow keys[i] to be sent by, or 0: its host's own. hashes[i] of keys[i] is always
  /// the same. `troubled(i)` answers whether the flow has fared badly since it was last asked that; it is
  /// asked only of flows that may change.
  template <typename Troubled>
  void decide(std::span<const std::uint64_t> hashes, std::span<const FlowKey> keys, Nanoseconds now,
              std::span<std::uint32_t> out, Troubled troubled) noexcept {
    constexpr std::size_t batch = 64;
    for (std::size_t first = 0; first < out.size(); first += batch) {
      const std::size_t count = std::min(batch, out.size() - first);
      std::array<State*, batch> states;
      flows_.find_or_insert(hashes.subspan(first, count), keys.subspan(first, count),
                            {.last_seen = tick(now), .changed_at = tick(now)},
                            std::span{states}.first(count));
      for (std::size_t i = 0; i < count; ++i) {
        State* state = states[i];
        if (state == nullptr) [[unlikely]] {
          out[first + i] = 0;
          continue;
        }
        if (may_change(*state, tick(now)) && troubled(first + i)) {
          ++state->changes;
          state->changed_at = tick(now);
          ++changes_;
        }
        state->last_seen = tick(now);
        out[first + i] = entropy(hashes[first + i], state->changes);
      }
    }
  }
  /// Forgets silent flows, a few a call. To be called each turn of the worker.
  void sweep(Nanoseconds now) noexcept;

  /// Times that a flow got another entropy.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
  /// Packets of flows for which there was no room.
  [[nodiscard]] std::uint64_t refused() const noexcept { return flows_.refused(); }

 private:
  struct State {
    Tick last_seen{};
    Tick changed_at{};
    std::uint32_t changes = 0;
  };

  [[nodiscard]] bool may_change(const State& state, Tick now) const noexcept {
    return elapsed(state.last_seen, now) > parameters_.idle &&
           elapsed(state.changed_at, now) > parameters_.hold;
  }
  [[nodiscard]] static std::uint32_t entropy(std::uint64_t hash, std::uint32_t changes) noexcept;

  Parameters parameters_;
  FlowMap<State> flows_;
  std::uint64_t changes_ = 0;
};

}  // namespace braidway::lb
