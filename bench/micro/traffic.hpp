// Packets of many flows for the micro benchmarks, in bursts. Each flow has its turn once a round, in an order
// that no prefetcher guesses: the worst there is for a table of flows.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "bench/micro/per_packet.hpp"
#include "lb/flow_key.hpp"
#include "lb/types.hpp"

namespace braidway::bench {

class Traffic {
 public:
  explicit Traffic(std::size_t flows) : order_(flows / burst * burst) {
    std::iota(order_.begin(), order_.end(), 0U);
    std::ranges::shuffle(order_, std::mt19937_64{seed});
  }

  [[nodiscard]] std::size_t flows() const noexcept { return order_.size(); }
  /// A round.
  [[nodiscard]] std::size_t bursts() const noexcept { return order_.size() / burst; }
  /// The number of a flow of a burst.
  [[nodiscard]] std::uint32_t flow(std::size_t number, std::size_t packet) const noexcept {
    return order_[number * burst + packet];
  }
  /// Makes keys and hashes of a burst.
  void prepare(std::size_t number) noexcept {
    for (std::size_t i = 0; i < burst; ++i) {
      const auto id = flow(number, i);
      keys[i] = lb::rocev2_key(lb::ipv4(0x0a000001 + (id & 7)), lb::ipv4(0x0a000101), lb::Qpn{0x100 + id});
    }
    hasher_.hash_burst(keys, hashes);
  }

  std::array<lb::FlowKey, burst> keys{};
  std::array<std::uint64_t, burst> hashes{};

 private:
  std::vector<std::uint32_t> order_;
  lb::FlowHasher hasher_{seed};
};

}  // namespace braidway::bench
