#include "lb/flow_entropy.hpp"

#include "lb/require.hpp"

namespace braidway::lb {
namespace {

FlowEntropy::Parameters checked(const FlowEntropy::Parameters& p) {
  const Requirements require{"FlowEntropy"};
  require.within("flows", p.flows, 1, max_flows);
  require.within("idle", p.idle, shortest_silence, longest_silence);
  require.within("hold", p.hold, Nanoseconds{}, longest_silence);
  require.within("forget", p.forget, shortest_silence, longest_silence);
  require.above("forget", p.forget, "idle", p.idle);
  return p;
}

}  // namespace

FlowEntropy::FlowEntropy(const Parameters& parameters)
    : parameters_(checked(parameters)), flows_(parameters.flows) {}

/// The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
std::uint32_t FlowEntropy::entropy(std::uint64_t hash, std::uint32_t changes) noexcept {
  if (changes == 0) return 0;
  std::uint64_t mixed = hash + changes * 0x9e3779b97f4a7c15ULL;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebULL;
  const auto bits = static_cast<std::uint32_t>(mixed >> 32);
  return bits != 0 ? bits : 1;
}

void FlowEntropy::sweep(Nanoseconds now) noexcept {
  flows_.sweep(now, parameters_.forget,
               [&](const State& state) { return elapsed(state.last_seen, tick(now)) > parameters_.forget; });
}

}  // namespace braidway::lb
