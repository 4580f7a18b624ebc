#include "bench/fabric/schemes/registry.hpp"

#include <algorithm>
#include <array>

#include "bench/fabric/schemes/braidway.hpp"
#include "bench/fabric/schemes/conga.hpp"
#include "bench/fabric/schemes/conweave.hpp"
#include "bench/fabric/schemes/drill.hpp"
#include "bench/fabric/schemes/ecmp.hpp"
#include "bench/fabric/schemes/letflow.hpp"
#include "bench/fabric/schemes/reps.hpp"
#include "bench/fabric/schemes/spray_ideal.hpp"
#include "bench/fabric/schemes/wcmp.hpp"

namespace braidway::bench::fabric {
namespace {

template <typename Made>
std::unique_ptr<Scheme> make(Fabric& fabric) {
  return std::make_unique<Made>(fabric);
}

template <lb::Policy policy, bool at_edge>
std::unique_ptr<Scheme> make_gateways(Fabric& fabric) {
  return std::make_unique<Braidway>(
      fabric, GatewayConfig{.policy = policy, .at_edge = at_edge, .build = fabric.config().gateways});
}

template <lb::Policy policy, ForesightFactory foresight>
std::unique_ptr<Scheme> make_foreseeing(Fabric& fabric) {
  return std::make_unique<Braidway>(
      fabric, GatewayConfig{.policy = policy, .build = fabric.config().gateways, .foresight = foresight});
}

constexpr std::array entries{
    SchemeEntry{"auto", "Braidway: a flow's first bytes keep one path, the rest is sprayed",
                make_gateways<lb::Policy::automatic, false>},
    SchemeEntry{"auto-edge", "the same beside the leaf, by tunnels through ECMP",
                make_gateways<lb::Policy::automatic, true>},
    SchemeEntry{"spray", "Braidway: every packet by itself, order restored",
                make_gateways<lb::Policy::spray, false>},
    SchemeEntry{"reroute", "Braidway: a flow leaves a path whose delay is outlying, order restored",
                make_gateways<lb::Policy::reroute, false>},
    SchemeEntry{"idle-move", "Braidway: a flow moves when it has been silent",
                make_gateways<lb::Policy::idle_move, false>},
    SchemeEntry{"pinned", "Braidway: a flow keeps the path of its hash",
                make_gateways<lb::Policy::pinned, false>},
    SchemeEntry{"auto+forecast", "auto, with forecasts of others' bursts from what it sees",
                make_foreseeing<lb::Policy::automatic, make_forecast>},
    SchemeEntry{"idle-move+forecast", "idle-move, with the same",
                make_foreseeing<lb::Policy::idle_move, make_forecast>},
    SchemeEntry{"auto+oracle", "auto, told the periodic background of the next milliseconds",
                make_foreseeing<lb::Policy::automatic, make_oracle>},
    SchemeEntry{"idle-move+oracle", "idle-move, told the same",
                make_foreseeing<lb::Policy::idle_move, make_oracle>},
    SchemeEntry{"ecmp", "a flow keeps the path of its hash", make<Ecmp>},
    SchemeEntry{"wcmp", "the same, in proportion to capacity", make<Wcmp>},
    SchemeEntry{"letflow", "a flowlet takes a path at random", make<LetFlow>},
    SchemeEntry{"conga", "a flowlet takes the path that is least loaded, local and remote", make<Conga>},
    SchemeEntry{"conweave", "a flow is rerouted when replies are late, held in order at the far leaf",
                make<ConWeave>},
    SchemeEntry{"reps", "packets with the UDP ports of unmarked ACKs, receivers take any order", make<Reps>},
    SchemeEntry{"drill", "a packet takes the shortest of a few local queues, order is not restored",
                make<Drill>},
    SchemeEntry{"spray-ideal", "drill, receivers take any order", make<SprayIdeal>},
};

}  // namespace

std::span<const SchemeEntry> schemes() noexcept { return entries; }

const SchemeEntry* find_scheme(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(entries, name, &SchemeEntry::name);
  return found == entries.end() ? nullptr : found;
}

}  // namespace braidway::bench::fabric
