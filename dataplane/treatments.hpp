// How the packets to a peer are treated: by the first of its rules that fits, else by the peer's own policy.
//
// Made once from the settings, read by any thread.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/parser.hpp"
#include "dataplane/settings.hpp"
#include "lb/flow_rules.hpp"
#include "lb/policy.hpp"

namespace braidway::dataplane {

class Treatments {
 public:
  /// One for each rule, and that of packets that none fits.
  static constexpr std::size_t most = lb::FlowRules::none + 1;

  explicit Treatments(const PeerSettings& peer);

  [[nodiscard]] bool has_rules() const noexcept { return !rules_.empty(); }
  /// The rule for a packet, or lb::FlowRules::none.
  [[nodiscard]] std::uint8_t rule_for(TrafficClass traffic_class, const lb::FlowKey& key) const noexcept {
    return rules_.find(static_cast<unsigned>(traffic_class), key);
  }
  /// The boldest policy that packets of the rule may be steered by; without one: that of RC and UC.
  [[nodiscard]] lb::Policy limit(std::uint8_t rule) const noexcept { return limits_[rule]; }

 private:
  lb::FlowRules rules_;
  std::array<lb::Policy, most> limits_{};
};

/// What kinds of packets a rule is for, as FlowRules has it.
constexpr lb::KindSet kind_of(TrafficClass traffic_class) noexcept {
  return static_cast<lb::KindSet>(1U << static_cast<unsigned>(traffic_class));
}

/// Of a treatment, as far as its stamping supports it.
lb::Policy policy_of(const Treatment& treatment) noexcept;

/// The boldest policy by which any packet to the peer may be steered.
lb::Policy boldest_policy(const PeerSettings& peer) noexcept;

}  // namespace braidway::dataplane
