#include "bench/fabric/schemes/registry.hpp"

#include <algorithm>
#include <array>

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

constexpr std::array entries{
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
