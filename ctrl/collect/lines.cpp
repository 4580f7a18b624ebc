#include "ctrl/collect/lines.hpp"

#include <array>
#include <cmath>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <string_view>

#include "ctrl/api/table.hpp"
#include "ctrl/collect/packet.hpp"
#include "telemetry/order_tag.hpp"

namespace braidway::ctrl::collect {
namespace {

using namespace telemetry;

constexpr std::array<std::string_view, 6> inner_names{"none",     "tlv",  "ds_extension",
                                                      "ethernet", "ipv4", "ipv6"};
constexpr const char* columns = "{:<15}  {:<20}  {:>10}  {:>7}  {:<5}  {:<44}  {}\n";

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

Json arrival_json(const Arrival& arrival) {
  const auto since = arrival.time.time_since_epoch();
  return {{"time_ns", std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()},
          {"sender", arrival.sender},
          {"sender_port", arrival.port}};
}

Json metadata_json(const ReportMetadata& from) {
  Json found = Json::object();
  const auto has = [&](std::uint16_t bit) { return (from.present & bit) != 0; };
  const auto add = [&](std::uint16_t bit, const char* name, const Json& number) {
    if (has(bit)) found[name] = number;
  };
  add(report_bit::l1_interfaces, "l1_ingress", known(from.l1_ingress));
  add(report_bit::l1_interfaces, "l1_egress", known(from.l1_egress));
  add(report_bit::hop_latency, "hop_latency", known(from.hop_latency));
  if (has(report_bit::queue)) add_occupancy(found, "queue", from.queue, from.queue_occupancy);
  add(report_bit::ingress_time, "ingress_time", known(from.ingress_time));
  add(report_bit::egress_time, "egress_time", known(from.egress_time));
  add(report_bit::l2_interfaces, "l2_ingress", known(from.l2_ingress));
  add(report_bit::l2_interfaces, "l2_egress", known(from.l2_egress));
  add(report_bit::tx_utilization, "tx_utilisation", known(from.tx_utilization));
  if (has(report_bit::buffer)) add_occupancy(found, "buffer", from.buffer, from.buffer_occupancy);
  add(report_bit::drop, "drop_queue", from.drop_queue);
  add(report_bit::drop, "drop_reason", from.drop_reason);
  return found;
}

/// " queue 1: 55" and the like, of a report's or a hop's metadata; what is null is left out.
std::string metadata_text(const Json& from) {
  std::string text;
  const auto number = [&](const char* name) -> std::string {
    const auto at = from.find(name);
    return at == from.end() || at->is_null() ? "" : at->dump();
  };
  const auto add = [&](const char* name, const char* before, const char* behind = "") {
    if (const auto found = number(name); !found.empty()) text += before + found + behind;
  };
  const auto add_held = [&](const char* id, const char* occupancy, const char* what) {
    if (const auto held = number(occupancy); !held.empty()) {
      text += fmt::format(" {} {}: {}", what, number(id), held);
    }
  };
  for (const char* level : {"l1", "l2"}) {
    const std::string name(level);
    add((name + "_ingress").c_str(), " in ");
    add((name + "_egress").c_str(), " out ");
  }
  add("hop_latency", " latency ", " ns");
  add_held("queue", "queue_occupancy", "queue");
  add_held("buffer", "buffer_occupancy", "buffer");
  add("tx_utilisation", " utilisation ");
  add("ingress_time", " ingress at ", " ns");
  add("egress_time", " egress at ", " ns");
  add("drop_reason", " drop reason ");
  return text;
}

std::string order_text(const Json& from) {
  const auto order = from.find("order");
  if (order == from.end()) return "";
  return fmt::format(" gateway {} path {} lane {} sequence {}", order->at("gateway").dump(),
                     order->at("path").dump(), order->at("lane").dump(), order->at("sequence").dump());
}

std::string int_text(const Json& packet) {
  const auto stack = packet.find("int");
  if (stack == packet.end()) return "";
  std::string text = order_text(*stack);
  for (const auto& hop : stack->value("hops", Json::array())) {
    const auto node = hop.find("node");
    text += " | hop" + (node == hop.end() || node->is_null() ? "" : " " + node->dump()) + metadata_text(hop);
  }
  return text;
}

/// "10.0.0.1 > 10.0.0.2 qpn 17" of the packet, or of what a tunnel carries.
std::string flow_text(const Json& packet) {
  if (const auto inner = packet.find("inner"); inner != packet.end() && inner->contains("source")) {
    return flow_text(*inner);
  }
  if (!packet.contains("source")) return "-";
  std::string text = fmt::format("{} > {}", packet.at("source").get_ref<const std::string&>(),
                                 packet.at("destination").get_ref<const std::string&>());
  if (packet.contains("dest_qpn")) {
    text += " qpn " + packet.at("dest_qpn").dump();
  } else if (packet.contains("destination_port")) {
    text += " port " + packet.at("destination_port").dump();
  } else {
    text += " protocol " + packet.at("protocol").dump();
  }
  return text;
}

std::string flags_text(const Json& json) {
  std::string text;
  for (const auto& [name, letter] : {std::pair{"dropped", 'D'}, std::pair{"congested", 'Q'},
                                     std::pair{"tracked_flow", 'F'}, std::pair{"intermediate", 'I'}}) {
    if (json.value(name, false)) text += letter;
  }
  return text.empty() ? "-" : text;
}

/// UTC, to the microsecond.
std::string time_text(std::int64_t nanoseconds) {
  constexpr std::int64_t second = 1'000'000'000;
  const auto seconds = static_cast<std::time_t>(nanoseconds / second);
  return fmt::format("{:%H:%M:%S}.{:06}", fmt::gmtime(seconds), nanoseconds % second / 1000);
}

}  // namespace

Json report_json(const Arrival& arrival, const ReportGroup& group, bool other_sender, const Report& report,
                 std::uint16_t int_port) {
  Json json = arrival_json(arrival);
  json["node"] = group.node;
  json["hardware"] = group.hardware;
  json["sequence"] = group.sequence;
  if (other_sender) json["other_sender"] = true;
  json["dropped"] = report.dropped;
  json["congested"] = report.congested;
  json["tracked_flow"] = report.tracked_flow;
  json["intermediate"] = report.intermediate;
  json["metadata"] = metadata_json(report.metadata);
  json["domain"] = report.domain;
  json["ds_bits"] = report.ds_bits;
  json["ds_status"] = report.ds_status;
  if (!report.ds.empty()) json["ds"] = hex(report.ds);
  if (report.domain == int_domain) json.update(describe_order_words(report.ds_bits, report.ds));
  json["inner_type"] = inner_names[static_cast<std::size_t>(report.inner_type)];
  json["packet"] = describe_packet(report.inner_type, report.inner, int_port);
  json["inner"] = hex(report.inner);
  return json;
}

Json malformed_json(const Arrival& arrival, ReportDefect defect) {
  Json json = arrival_json(arrival);
  json["malformed"] = report_defect_names[static_cast<std::size_t>(defect)];
  json["bytes"] = arrival.bytes;
  return json;
}

Json counters_json(const Counters& counters) {
  Json malformed = Json::object();
  // The last two names are a writer's, not a reader's.
  for (std::size_t i = 0; i < static_cast<std::size_t>(ReportDefect::bad_ds_length); ++i) {
    malformed[std::string(report_defect_names[i])] = counters.malformed[i];
  }
  return {{"counters",
           {{"datagrams", counters.datagrams},
            {"reports", counters.reports},
            {"missing", counters.missing},
            {"late", counters.late},
            {"restarted", counters.restarted},
            {"other_sender", counters.other_sender},
            {"not_followed", counters.not_followed},
            {"overflowed", counters.overflowed},
            {"malformed", std::move(malformed)}}}};
}

std::string heads() {
  return fmt::format(columns, "time (UTC)", "sender", "node", "number", "flags", "flow", "tells");
}

std::string line_of(const Json& json) {
  const std::string time = time_text(json.at("time_ns"));
  const auto& sender = json.at("sender").get_ref<const std::string&>();
  if (json.contains("malformed")) {
    return fmt::format(
        columns, time, sender, "-", "-", "-", "-",
        fmt::format("malformed: {} in {} bytes", json.at("malformed").get_ref<const std::string&>(),
                    json.at("bytes").dump()));
  }
  std::string tells = metadata_text(json.at("metadata")) + order_text(json) + int_text(json.at("packet"));
  if (json.value("other_sender", false)) tells += " | other sender than this node's first";
  return fmt::format(columns, time, sender, json.at("node").dump(), json.at("sequence").dump(),
                     flags_text(json), flow_text(json.at("packet")),
                     tells.empty() ? "-" : std::string_view(tells).substr(1));
}

std::string counters_text(const Json& json) {
  Table table({"counter", "count"});
  for (const auto& [name, count] : json.at("counters").items()) {
    if (count.is_number()) table.add({name, count.dump()});
  }
  for (const auto& [name, count] : json.at("counters").at("malformed").items()) {
    if (count != 0) table.add({"malformed: " + name, count.dump()});
  }
  return table.to_string();
}

}  // namespace braidway::ctrl::collect
