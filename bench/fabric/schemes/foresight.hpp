// What a gateway in the simulator expects of the paths to a peer, to bias their weights by (ctrl/model): the
// seam between forecasters, which are shown what a gateway sees, and an oracle, which is shown the truth.
// Owner: the thread of its simulation.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "bench/fabric/schemes/gateway_wire.hpp"
#include "bench/fabric/schemes/leaf_paths.hpp"
#include "ctrl/model/weights.hpp"

namespace braidway::bench::fabric {

/// Of one gateway, for one peer.
class Foresight {
 public:
  Foresight() = default;
  virtual ~Foresight() = default;
  Foresight(const Foresight&) = delete;
  Foresight& operator=(const Foresight&) = delete;

  /// A message of the peer.
  virtual void heard(Nanoseconds now, const GatewayMessage& message) = 0;
  /// Once a tick: what is expected from now on, by path.
  virtual void expect(Nanoseconds now, std::span<ctrl::model::Outlook> out) = 0;

  /// What the last expect() has learnt of a path's load, to be drawn; below 0: nothing.
  struct View {
    float seen = -1;      ///< around `behind` before it
    float forecast = -1;  ///< around `ahead` after it
  };
  static constexpr Nanoseconds behind = 550'000;
  static constexpr Nanoseconds ahead = 950'000;
  [[nodiscard]] virtual View view(std::size_t /*path*/) const { return {}; }
};

/// One path at one tick.
struct ForesightRecord {
  Nanoseconds at = 0;
  std::uint32_t peer = 0;
  std::uint16_t path = 0;
  float share = 0;  ///< of a path of the highest rate that nothing is known of
  Foresight::View view{};
};

/// For the paths of a pair of leaves.
using ForesightFactory = std::unique_ptr<Foresight> (*)(const Fabric& fabric, std::span<const Path> paths);

/// By what the peer's messages show of the paths.
std::unique_ptr<Foresight> make_forecast(const Fabric& fabric, std::span<const Path> paths);

/// Told the true background of the next while, with certainty.
std::unique_ptr<Foresight> make_oracle(const Fabric& fabric, std::span<const Path> paths);

}  // namespace braidway::bench::fabric
