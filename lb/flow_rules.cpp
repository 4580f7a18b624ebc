#include "lb/flow_rules.hpp"

#include <string>

#include "lb/require.hpp"

namespace braidway::lb {

FlowRules::FlowRules(std::span<const Rule> rules) {
  const Requirements require{"FlowRules"};
  require.within("rules", rules.size(), 0, none);
  rules_.reserve(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Prefix& to = rules[i].destination;
    require.within("rules[" + std::to_string(i) + "].destination.length", to.length, 0, 128);
    const IpAddress mask = mask_of(to.length);
    rules_.push_back({.address = {.high = to.address.high & mask.high, .low = to.address.low & mask.low},
                      .mask = mask,
                      .kinds = rules[i].kinds});
  }
}

std::optional<Unreachable> unreachable(std::span<const FlowRules::Rule> rules) noexcept {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (std::size_t before = 0; before < i; ++before) {
      const bool same_kinds = (rules[i].kinds & ~rules[before].kinds) == 0;
      if (same_kinds && contains(rules[before].destination, rules[i].destination)) {
        return Unreachable{.rule = i, .because_of = before};
      }
    }
  }
  return std::nullopt;
}

}  // namespace braidway::lb
