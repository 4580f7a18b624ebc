#include "lb/explain.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <string_view>

#include "ctrl/api/commands/commands.hpp"
#include "dataplane/treatments.hpp"
#include "lb/slot_table.hpp"

namespace braidway::ctrl::api {
namespace {

struct Address {
  lb::IpAddress ip;
  int family;
};

tl::expected<Address, std::string> parse_address(const Arguments& arguments, const std::string& option) {
  const std::string& text = arguments.at(option);
  std::array<std::byte, 16> bytes;
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
    return Address{.ip = lb::load_ipv4(bytes.data()), .family = AF_INET};
  }
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) {
    return Address{.ip = lb::load_ipv6(bytes.data()), .family = AF_INET6};
  }
  return tl::unexpected(
      fmt::format("--{} '{}' is no IP address; 10.0.0.1 or fd00::1 would be", option, text));
}

std::optional<lb::Qpn> parse_qpn(const std::string& text) {
  const bool hex = text.starts_with("0x");
  const char* first = text.data() + (hex ? 2 : 0);
  const char* last = text.data() + text.size();
  std::uint32_t qpn = 0;
  const auto [end, error] = std::from_chars(first, last, qpn, hex ? 16 : 10);
  if (error != std::errc{} || end != last || qpn > 0xff'ffff) {
    return std::nullopt;
  }
  return lb::Qpn{qpn};
}

tl::expected<Json, std::string> answer(Session& session, const Arguments& arguments) {
  const auto source = parse_address(arguments, "src");
  if (!source) {
    return tl::unexpected(source.error());
  }
  const auto destination = parse_address(arguments, "dst");
  if (!destination) {
    return tl::unexpected(destination.error());
  }
  if (source->family != destination->family) {
    return tl::unexpected<std::string>("--src and --dst are of different IP versions; give two of one");
  }
  const auto qpn = parse_qpn(arguments.at("qpn"));
  if (!qpn) {
    return tl::unexpected("--qpn '" + arguments.at("qpn") +
                          "' is no queue pair number; 0 to 16777215 (0xffffff) is");
  }
  const auto& settings = session.gateway.settings();
  const auto& peer = settings.peers.front();
  const lb::FlowKey key = lb::rocev2_key(source->ip, destination->ip, *qpn);
  const dataplane::Treatments treatments(peer);
  const std::uint8_t rule = treatments.rule_for(dataplane::TrafficClass::rdma, key);
  const lb::Policy acts = std::min(session.gateway.peer_statistics().policy, treatments.limit(rule));
  const std::string_view policy = lb::name_of(acts);
  const auto explained = session.gateway.explain(key);
  Json out{{"src", arguments.at("src")},
           {"dst", arguments.at("dst")},
           {"qpn", lb::value(*qpn)},
           {"policy", policy},
           {"rule", rule == lb::FlowRules::none ? Json(nullptr) : Json(rule + 1)}};
  if (!explained) {
    out["path"] = nullptr;
    out["why"] = "every path to the peer is dead or has weight 0: packets are dropped as no_live_path";
    return out;
  }
  const auto& path = peer.paths[lb::value(explained->path)];
  out["peer"] = peer.name;
  out["path"] = path.name;
  out["port"] = settings.ports[path.port].name;
  out["hash"] = fmt::format("0x{:016x}", explained->hash);
  out["slot"] = explained->slot;
  const std::string by_rule = rule == lb::FlowRules::none ? "" : fmt::format("rule {} fits; ", rule + 1);
  const std::string others =
      acts == lb::Policy::pinned
          ? std::string{}
          : fmt::format(
                "by policy {} its RC and UC packets may take any of {} live paths, others of it this one: ",
                policy, explained->live_count);
  out["why"] = by_rule + others +
               fmt::format(
                   "the flow's hash falls into slot {}, which belongs to path {}: it owns {} of {} "
                   "slots for weight {}, "
                   "{} paths live",
                   explained->slot, path.name, explained->slot_count, lb::SlotTable::slots,
                   explained->record.weight, explained->live_count);
  return out;
}

std::string render(const Json& json) {
  const std::string path = json.at("path").is_null() ? "none" : json.at("path").get<std::string>();
  return fmt::format("{} -> {} QP {}: path {}\n{}\n", json.at("src").get<std::string>(),
                     json.at("dst").get<std::string>(), json.at("qpn").get<std::uint32_t>(), path,
                     json.at("why").get<std::string>());
}

}  // namespace

std::vector<Command> explain() {
  return {{.name = "explain",
           .help = "which path a RoCEv2 flow takes in the running table, and why",
           .arguments = {{.name = "src", .help = "source IP address"},
                         {.name = "dst", .help = "destination IP address"},
                         {.name = "qpn", .help = "destination QP number, decimal or 0x..."}},
           .answer = answer,
           .render = render}};
}

}  // namespace braidway::ctrl::api
