#include "ctrl/api/commands/commands.hpp"
#include "ctrl/api/table.hpp"

namespace braidway::ctrl::api {
namespace {

tl::expected<Json, std::string> answer(Session& session, const Arguments& /*arguments*/) {
  Json list = Json::array();
  const auto& ports = session.gateway.settings().ports;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const auto of = session.gateway.port_statistics(i);
    Json port{{"name", ports[i].name},
              {"role", ports[i].role == dataplane::PortRole::host ? "host" : "fabric"},
              {"device", ports[i].device.value_or("")},
              {"driver", of.driver},
              {"link", of.up ? "up" : "down"},
              {"link_source", of.link_source},
              {"mtu", ports[i].mtu},
              {"queues", ports[i].queues},
              {"rx_packets", of.rx_packets},
              {"rx_bytes", of.rx_bytes},
              {"tx_packets", of.tx_packets},
              {"tx_bytes", of.tx_bytes},
              {"rx_missed", of.rx_missed},
              {"rx_errors", of.rx_errors},
              {"rx_no_mbuf", of.rx_no_mbuf},
              {"tx_errors", of.tx_errors},
              {"tx_held", of.tx_held}};
    if (!of.xdp.empty()) {
      Json verdicts = Json::object();
      for (const auto& verdict : of.xdp) {
        verdicts[std::string(verdict.name)] = verdict.count;
      }
      port["xdp"] = std::move(verdicts);
    }
    list.push_back(std::move(port));
  }
  return Json{{"ports", std::move(list)}};
}

std::string render(const Json& json) {
  Table table({"port", "role", "link", "device", "rx packets", "tx packets", "rx missed", "rx errors",
               "rx no mbuf", "tx errors", "tx held"});
  std::string xdp;
  for (const auto& port : json.at("ports")) {
    auto number = [&](const char* key) { return std::to_string(port.at(key).get<std::uint64_t>()); };
    table.add({port.at("name"), port.at("role"), port.at("link"), port.at("device"), number("rx_packets"),
               number("tx_packets"), number("rx_missed"), number("rx_errors"), number("rx_no_mbuf"),
               number("tx_errors"), number("tx_held")});
    if (port.contains("xdp")) {
      xdp += "xdp on " + port.at("name").get<std::string>() + ":";
      for (const auto& [verdict, count] : port.at("xdp").items()) {
        xdp += " " + verdict + " " + std::to_string(count.get<std::uint64_t>());
      }
      xdp += "\n";
    }
  }
  return table.to_string() + xdp;
}

}  // namespace

std::vector<Command> ports() {
  return {{.name = "show ports",
           .help = "ports: role, link, device, packets, what the device dropped",
           .answer = answer,
           .render = render}};
}

}  // namespace braidway::ctrl::api
