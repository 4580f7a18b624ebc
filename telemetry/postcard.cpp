#include "telemetry/postcard.hpp"

#include <algorithm>

namespace braidway::telemetry {
namespace {

constexpr std::uint32_t occupancy_bits = 0xff'ffff;

template <typename Number>
constexpr bool is_known(Number number) noexcept {
  return number != HopMetadata::unknown<Number>;
}

/// Of INT's instructions, in the same places in both bitmaps, those that the node can follow.
std::uint16_t available(const HopMetadata& own) noexcept {
  unsigned bits = 0;
  const auto add = [&bits](bool has, std::uint16_t bit) { bits |= has ? bit : 0U; };
  add(is_known(own.level1_ingress) || is_known(own.level1_egress), report_bit::l1_interfaces);
  add(is_known(own.hop_latency), report_bit::hop_latency);
  add(is_known(own.queue), report_bit::queue);
  add(is_known(own.ingress_time), report_bit::ingress_time);
  add(is_known(own.egress_time), report_bit::egress_time);
  add(is_known(own.level2_ingress) || is_known(own.level2_egress), report_bit::l2_interfaces);
  add(is_known(own.egress_utilisation), report_bit::tx_utilization);
  add(is_known(own.buffer), report_bit::buffer);
  return static_cast<std::uint16_t>(bits);
}
static_assert(report_bit::l1_interfaces == int_level1_interfaces &&
              report_bit::hop_latency == int_hop_latency && report_bit::queue == int_queue &&
              report_bit::ingress_time == int_ingress_time && report_bit::egress_time == int_egress_time &&
              report_bit::l2_interfaces == int_level2_interfaces &&
              report_bit::tx_utilization == int_egress_utilisation && report_bit::buffer == int_buffer);

}  // namespace

ReportMetadata report_metadata(std::uint16_t instructions, const HopMetadata& own) noexcept {
  ReportMetadata metadata{.present = static_cast<std::uint16_t>(instructions & available(own))};
  const auto has = [&metadata](std::uint16_t bit) { return (metadata.present & bit) != 0; };
  if (has(report_bit::l1_interfaces)) {
    metadata.l1_ingress = own.level1_ingress;
    metadata.l1_egress = own.level1_egress;
  }
  if (has(report_bit::hop_latency)) metadata.hop_latency = own.hop_latency;
  if (has(report_bit::queue)) {
    metadata.queue = static_cast<std::uint8_t>(own.queue >> 24U);
    metadata.queue_occupancy = own.queue & occupancy_bits;
  }
  if (has(report_bit::ingress_time)) metadata.ingress_time = own.ingress_time;
  if (has(report_bit::egress_time)) metadata.egress_time = own.egress_time;
  if (has(report_bit::l2_interfaces)) {
    metadata.l2_ingress = own.level2_ingress;
    metadata.l2_egress = own.level2_egress;
  }
  if (has(report_bit::tx_utilization)) metadata.tx_utilization = own.egress_utilisation;
  if (has(report_bit::buffer)) {
    metadata.buffer = static_cast<std::uint8_t>(own.buffer >> 24U);
    metadata.buffer_occupancy = own.buffer & occupancy_bits;
  }
  return metadata;
}

Postcards::Postcards(std::span<const Watch> watches, const Parameters& parameters)
    : watches_(watches.begin(), watches.end()),
      parameters_(parameters),
      rate_(parameters.postcards_per_second, parameters.burst) {}

const Watch* Postcards::decide(const lb::FlowKey& key, lb::Nanoseconds now) noexcept {
  const auto watch = std::ranges::find_if(watches_, [&key](const Watch& each) { return each.matches(key); });
  if (watch == watches_.end()) return nullptr;
  if (!rate_.take(now)) {
    ++counters_.suppressed;
    return nullptr;
  }
  ++counters_.postcards;
  return &*watch;
}

Report Postcards::postcard(const Watch& watch, const HopMetadata& own, InnerType type,
                           std::span<const std::byte> packet) const noexcept {
  const std::uint32_t occupancy = own.queue & occupancy_bits;
  // All ones: it is not known. I is for INT-MD alone.
  return {.inner_type = type,
          .congested = occupancy != occupancy_bits && occupancy >= parameters_.deep_queue,
          .tracked_flow = true,
          .metadata = report_metadata(watch.instructions(), own),
          .domain = parameters_.domain,
          .inner = packet};
}

}  // namespace braidway::telemetry
