#include "ctrl/config/rules.hpp"

#include <algorithm>
#include <string>

#include "ctrl/config/prefix.hpp"
#include "ctrl/config/words.hpp"
#include "dataplane/treatments.hpp"
#include "lb/flow_rules.hpp"
#include "telemetry/int_md.hpp"

namespace braidway::ctrl {
namespace {

using dataplane::Stamping;
using dataplane::TrafficClass;

bool were_written(const HopsDraft& hops) {
  return !hops.instructions.empty() || hops.hops.given || hops.own.given || hops.utilisation_full.given;
}

lb::FlowRules::Rule flows_of(const RuleDraft& rule) {
  const auto prefix = rule.destination.given ? parse_prefix(rule.destination.value) : lb::Prefix{};
  return {.kinds = dataplane::kind_of(rule.traffic_class.value_or(TrafficClass::rdma)),
          .destination = prefix.value_or(lb::Prefix{})};
}

bool stamps(const PeerDraft& peer) { return peer.stamping.value_or(Stamping::none) != Stamping::none; }

/// Only RC and UC may be numbered.
void check_class(const RuleDraft& rule, std::vector<Problem>& problems) {
  if (rule.traffic_class.value_or(TrafficClass::rdma) == TrafficClass::rdma) return;
  if (rule.stamping.value_or(Stamping::none) != Stamping::none) {
    problems.push_back({rule.stamping.at, "only class rdma is ever stamped; leave stamping out"});
  }
  if (were_written(rule.hops)) {
    problems.push_back({rule.hops.at, "only class rdma is ever stamped; leave int out"});
  }
  if (rule.policy.given && rule.policy.value > lb::Policy::idle_move) {
    problems.push_back({rule.policy.at, "policy " + in_quotes(lb::name_of(rule.policy.value)) +
                                            " numbers packets, and only those of class rdma may be; write "
                                            "pinned or idle-move"});
  }
}

/// Packets are traced in place of being stamped.
void check_traced(const RuleDraft& rule, const PeerDraft& peer, bool stamped,
                  std::vector<Problem>& problems) {
  if (!rule.traced.given) return;
  if (!peer.trace.source.given) {
    problems.push_back({rule.traced.at, "the peer has no ioam; give it that, or leave ioam out here"});
  }
  if (rule.traffic_class.value_or(TrafficClass::rdma) != TrafficClass::rdma) {
    problems.push_back({rule.traced.at, "only class rdma is ever traced; leave ioam out"});
  } else if (rule.traced.value && stamped) {
    problems.push_back(
        {rule.traced.at, "packets are either stamped or traced; write stamping: none beside ioam: true"});
  }
}

void check_rule(const RuleDraft& rule, const PeerDraft& peer, std::vector<Problem>& problems) {
  if (!rule.policy.given && !rule.stamping.given && !rule.traced.given && !were_written(rule.hops)) {
    problems.push_back(
        {rule.at, "this rule changes nothing; give it a policy, stamping, ioam or int, or leave it out"});
  }
  check_class(rule, problems);
  const bool rule_stamps = rule.stamping.value_or(peer.stamping.value_or(Stamping::none)) != Stamping::none;
  check_traced(rule, peer, rule_stamps, problems);
  const bool is_rdma = rule.traffic_class.value_or(TrafficClass::rdma) == TrafficClass::rdma;
  if (is_rdma && rule.stamping.given && rule_stamps && !stamps(peer)) {
    problems.push_back({rule.stamping.at,
                        "the peer's own stamping is none, and a rule can only leave it out; write stamping: "
                        "int-md for the peer"});
  }
  if (is_rdma && rule.policy.given && rule.policy.value == lb::Policy::spray && !rule_stamps) {
    problems.push_back({rule.policy.at,
                        "policy 'spray' needs stamping, and there is none here; write "
                        "stamping: int-md, or policy: idle-move"});
  }
}

void check_hops(const HopsDraft& hops, bool stamped, std::vector<Problem>& problems) {
  if (!were_written(hops)) return;
  if (!stamped) {
    problems.push_back({hops.at,
                        "int is what stamps ask for, and there is no stamping; write stamping: int-md "
                        "for the peer, or leave int out"});
  }
  if (hops.own.value_or(false) && hops.instructions.empty()) {
    problems.push_back(
        {hops.own.at, "own_hop tells what instructions ask for, and there are none; give some"});
  }
}

bool ask_utilisation(const HopsDraft& hops) {
  return (hops_of(hops).instructions & telemetry::int_egress_utilisation) != 0;
}

/// Hops count in one way, whoever's stamps ask them.
void check_utilisation(const PeerDraft& peer, std::vector<Problem>& problems) {
  for (const RuleDraft& rule : peer.rules) {
    if (!rule.hops.utilisation_full.given) continue;
    problems.push_back({rule.hops.utilisation_full.at,
                        "utilisation_full is of all stamps with the peer; write it into the peer's int"});
  }
  const Given<std::uint32_t>& full = peer.hops.utilisation_full;
  const bool asked =
      ask_utilisation(peer.hops) || std::ranges::any_of(peer.rules, ask_utilisation, &RuleDraft::hops);
  if (full.given && !asked) {
    problems.push_back(
        {full.at,
         "utilisation_full says how hops tell their utilisation, and none is asked for it; add "
         "egress-utilisation to the instructions, or leave utilisation_full out"});
  }
}

void check_order(const PeerDraft& peer, std::vector<Problem>& problems) {
  std::vector<lb::FlowRules::Rule> flows;
  flows.reserve(peer.rules.size());
  for (const RuleDraft& rule : peer.rules) flows.push_back(flows_of(rule));
  if (const auto found = lb::unreachable(flows)) {
    problems.push_back(
        {peer.rules[found->rule].at,
         "the rule on line " + std::to_string(peer.rules[found->because_of].at.line) +
             " takes all that this one fits, for the first that fits counts; put this one before"});
  }
}

}  // namespace

void check_rules(const Draft& draft, std::vector<Problem>& problems) {
  for (const PeerDraft& peer : draft.peers) {
    check_hops(peer.hops, stamps(peer), problems);
    check_utilisation(peer, problems);
    for (const RuleDraft& rule : peer.rules) {
      check_rule(rule, peer, problems);
      if (rule.traffic_class.value_or(TrafficClass::rdma) == TrafficClass::rdma) {
        check_hops(rule.hops, stamps(peer), problems);
      }
    }
    // A rule that was not understood would be compared as what it is not.
    if (problems.empty()) check_order(peer, problems);
  }
}

dataplane::HopSettings hops_of(const HopsDraft& draft) {
  dataplane::HopSettings hops;
  for (const auto& instruction : draft.instructions) {
    hops.instructions = static_cast<std::uint16_t>(hops.instructions | instruction.value);
  }
  hops.hops = draft.hops.value_or(hops.hops);
  hops.own = draft.own.value_or(hops.own);
  return hops;
}

std::vector<dataplane::RuleSettings> rules_of(const PeerDraft& peer,
                                              const dataplane::PeerSettings& settings) {
  std::vector<dataplane::RuleSettings> rules;
  for (const RuleDraft& rule : peer.rules) {
    const bool is_rdma = rule.traffic_class.value_or(TrafficClass::rdma) == TrafficClass::rdma;
    const bool traces_by_default = peer.trace.source.given && settings.stamping == Stamping::none;
    // Of what is not RDMA the peer's own policy says nothing.
    rules.push_back(
        {.flows = flows_of(rule),
         .treatment = {.policy = rule.policy.value_or(is_rdma ? settings.policy : lb::Policy::pinned),
                       .stamping = is_rdma ? rule.stamping.value_or(settings.stamping) : Stamping::none,
                       .hops = were_written(rule.hops) ? hops_of(rule.hops) : settings.hops,
                       .traced = is_rdma && rule.traced.value_or(traces_by_default)}});
  }
  return rules;
}

}  // namespace braidway::ctrl
