#include "ctrl/config/traces.hpp"

#include <algorithm>
#include <string>

#include "ctrl/config/prefix.hpp"
#include "dataplane/traces.hpp"

namespace braidway::ctrl {
namespace {

bool is_ipv4(const lb::IpAddress& address) { return address.high == 0 && address.low >> 32U == 0xffff; }

void check_ends(const TraceDraft& trace, std::vector<Problem>& problems) {
  const auto source = parse_address(trace.source.value);
  const auto destination = parse_address(trace.destination.value);
  for (const Given<std::string>* end : {&trace.source, &trace.destination}) {
    const auto address = parse_address(end->value);
    if (address && is_ipv4(*address)) {
      problems.push_back({end->at, "traces travel in IPv6; write an address as fd00::7"});
    }
  }
  if (source && destination && *source == *destination) {
    problems.push_back(
        {trace.destination.at, "source and destination are the same address; the destination is the peer's"});
  }
}

/// All of it goes in front of the packet.
void check_room(const TraceDraft& trace, std::vector<Problem>& problems) {
  auto settings = trace_of(trace);
  if (!settings || settings->type == 0) return;
  const auto added = [&](std::uint8_t nodes) {
    settings->nodes = nodes;
    const auto ioam = dataplane::ioam_settings(*settings, UINT16_MAX);
    const bool fits = telemetry::IoamSource::check(ioam) == telemetry::IoamFault::none;
    return fits ? telemetry::IoamSource(ioam).added_bytes() : SIZE_MAX;
  };
  const std::size_t room = dataplane::most_trace_bytes();
  const std::uint8_t wanted = settings->nodes;
  if (added(wanted) <= room) return;
  std::uint8_t most = 0;
  while (added(static_cast<std::uint8_t>(most + 1)) <= room) ++most;
  problems.push_back(
      {trace.nodes.given ? trace.nodes.at : trace.at,
       "room for " + std::to_string(wanted) + " nodes is more than the " + std::to_string(room) +
           " bytes in front of a packet hold; " +
           (most == 0 ? "give fewer instructions"
                      : "write nodes: " + std::to_string(most) + " or less, or give fewer instructions")});
}

}  // namespace

void check_traces(const Draft& draft, std::vector<Problem>& problems) {
  for (const PeerDraft& peer : draft.peers) {
    const TraceDraft& trace = peer.trace;
    if (!trace.source.given) continue;
    check_ends(trace, problems);
    check_room(trace, problems);
    const bool stamps = peer.stamping.value_or(dataplane::Stamping::none) != dataplane::Stamping::none;
    if (stamps && std::ranges::none_of(peer.rules, [](const RuleDraft& rule) { return rule.traced.value; })) {
      problems.push_back(
          {trace.at,
           "packets are either stamped or traced, and the peer has stamping; leave one out, or "
           "write a rule with stamping: none and ioam: true"});
    }
  }
}

std::optional<dataplane::TraceSettings> trace_of(const TraceDraft& draft) {
  if (!draft.source.given) return std::nullopt;
  dataplane::TraceSettings trace;
  trace.source = parse_address(draft.source.value).value_or(lb::IpAddress{});
  trace.destination = parse_address(draft.destination.value).value_or(lb::IpAddress{});
  for (const auto& instruction : draft.instructions) trace.type |= instruction.value;
  trace.namespace_id = draft.namespace_id.value_or(trace.namespace_id);
  trace.nodes = draft.nodes.value_or(trace.nodes);
  trace.own_node = draft.own_node.value_or(trace.own_node);
  return trace;
}

}  // namespace braidway::ctrl
