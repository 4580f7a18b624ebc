// CONGA (Alizadeh et al., SIGCOMM 2014): every flowlet takes the path whose most loaded link is least loaded.
// Each port estimates its load (DRE: what it sent, decaying by alpha each 50 us, in eighths of what a full
// link would leave); data packets carry the maximum of their path to the destination's leaf, which returns it
// on data packets of its own, one path at random each. Ties are broken at random. With the parameters of the
// anchors; loads older than 10 ms count as none.
// Owner: the thread of its simulation.
#pragma once

#include <vector>

#include "bench/fabric/schemes/flowlets.hpp"
#include "bench/fabric/schemes/leaf_paths.hpp"

namespace braidway::bench::fabric {

class Conga final : public Scheme {
 public:
  static constexpr Nanoseconds dre_interval = 50'000;
  static constexpr double dre_alpha = 0.2;
  static constexpr double load_levels = 8;  ///< 3 bits
  static constexpr Nanoseconds aging_time = 10'000'000;

  explicit Conga(Fabric& fabric);

  PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) override;
  bool on_arrival(NodeIndex node, PacketIndex index) override;
  void on_enqueue(PortIndex port, Packet& packet) override;

  /// A port's load in eighths.
  [[nodiscard]] std::uint32_t load_of(PortIndex port) noexcept;

 private:
  struct Tag {
    PathNumber path;
    PathNumber told_path;  ///< fed back; of the opposite direction
    std::uint32_t load;
    std::uint32_t told_load;
    bool tells;
  };
  struct Estimate {
    double bytes = 0;
    std::int64_t interval = 0;  ///< that `bytes` has decayed to
  };
  struct Load {
    std::uint32_t level = 0;
    Nanoseconds heard = -1;  ///< never

    [[nodiscard]] bool is_fresh(Nanoseconds now) const noexcept {
      return heard >= 0 && now - heard <= aging_time;
    }
  };

  void depart(Packet& packet);
  void arrive(const Packet& packet);
  PathNumber best_path(std::uint32_t pair);
  Estimate& decayed(PortIndex port) noexcept;

  Fabric& fabric_;
  LeafPaths paths_;
  Flowlets flowlets_;
  std::vector<Estimate> estimates_;           ///< by port
  std::vector<std::vector<Load>> to_leaf_;    ///< by pair of leaves and path: what the far leaf has told
  std::vector<std::vector<Load>> from_leaf_;  ///< by pair: what its packets have shown, to be told
};

}  // namespace braidway::bench::fabric
