#include "ctrl/config/validate.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ctrl/config/forecast.hpp"
#include "ctrl/config/path_ports.hpp"
#include "ctrl/config/returns.hpp"
#include "ctrl/config/rules.hpp"
#include "ctrl/config/traces.hpp"
#include "ctrl/config/tunnels.hpp"
#include "ctrl/config/uses.hpp"
#include "ctrl/config/words.hpp"
#include "dataplane/device.hpp"
#include "dataplane/tunnels.hpp"
#include "telemetry/int_md.hpp"
#include "telemetry/message.hpp"
#include "telemetry/roce.hpp"

namespace braidway::ctrl {
namespace {

using dataplane::DeviceKind;
using dataplane::PortRole;

bool has_role(const PortDraft& port, PortRole role) { return port.role.given && port.role.value == role; }

void check_names(const Draft& draft, std::vector<Problem>& problems) {
  Uses ports(problems);
  for (const PortDraft& port : draft.ports) {
    if (!port.name.given) {
      continue;
    }
    ports.add(port.name.value, port.name.at, "port name " + in_quotes(port.name.value) + " is given",
              "each port has a name of its own");
  }
  Uses gateways(problems);
  Uses ids(problems);
  const auto add_gateway = [&](const auto& gateway) {
    if (gateway.name.given) {
      gateways.add(gateway.name.value, gateway.name.at,
                   "gateway name " + in_quotes(gateway.name.value) + " is given",
                   "this gateway and each peer have a name of their own");
    }
    if (gateway.id.given) {
      const std::string id = std::to_string(gateway.id.value);
      ids.add(id, gateway.id.at, "gateway id " + id + " is given",
              "this gateway and each peer have an id of their own");
    }
  };
  add_gateway(draft.gateway);
  std::ranges::for_each(draft.peers, add_gateway);
}

void check_cores(const Draft& draft, std::vector<Problem>& problems) {
  Uses cores(problems);
  const auto add = [&](const Given<std::uint16_t>& core) {
    if (!core.given) {
      return;
    }
    const std::string number = std::to_string(core.value);
    cores.add(number, core.at, "core " + number + " is used",
              "each worker has a core of its own, which the control cores leave alone");
  };
  for (const WorkerDraft& worker : draft.workers) {
    add(worker.core);
  }
  std::ranges::for_each(draft.control_cores, add);
}

/// What two ports cannot share, whatever words they use for it.
struct Resource {
  std::string kind;
  std::string name;

  [[nodiscard]] std::string key() const { return kind + " " + name; }
  [[nodiscard]] std::string is_used() const { return kind + " " + in_quotes(name) + " is used"; }
};

/// Nothing if the device can be shared.
std::optional<Resource> resource_of(const dataplane::DeviceWord& device) {
  const std::string before_comma = device.argument.substr(0, device.argument.find(','));
  switch (device.kind) {
    case DeviceKind::tap:
    case DeviceKind::af_packet:
    case DeviceKind::af_xdp:
      return Resource{"interface", device.argument};
    case DeviceKind::vhost:
    case DeviceKind::virtio_user:
    case DeviceKind::memif:
      return Resource{"socket", before_comma};
    case DeviceKind::ring:
      return Resource{"ring", device.argument};
    case DeviceKind::pci:
    case DeviceKind::devargs:
      return Resource{"device", before_comma};
    case DeviceKind::pcap:
      return std::nullopt;  // read only
  }
  return std::nullopt;
}

void check_devices(const Draft& draft, std::vector<Problem>& problems) {
  Uses resources(problems);
  std::size_t devices = 0;
  for (const PortDraft& port : draft.ports) {
    const auto device = dataplane::parse_device_word(port.device.value);
    if (port.device.given && device) {
      if (const auto resource = resource_of(*device)) {
        resources.add(resource->key(), port.device.at, resource->is_used(),
                      "each port has a device of its own");
      }
      if (++devices == dataplane::max_devices + 1) {
        problems.push_back({port.device.at, "more than " + std::to_string(dataplane::max_devices) +
                                                " devices; this build of DPDK takes no more"});
      }
      if (device->kind == DeviceKind::pcap && port.queues.value_or(1) > 1) {
        problems.push_back({port.queues.at, "a pcap device has one queue; write queues: 1"});
      }
    }
    const bool is_xdp = port.device.given && device && device->kind == DeviceKind::af_xdp;
    if (port.xdp_take.given && !is_xdp) {
      problems.push_back({port.xdp_take.at, "xdp_take is for af_xdp devices only; leave it out"});
    }
  }
  if (draft.api.socket.given) {
    const Resource socket{"socket", draft.api.socket.value};
    resources.add(socket.key(), draft.api.socket.at, socket.is_used(), "the api has a socket of its own");
  }
}

void check_ports(const Draft& draft, std::vector<Problem>& problems) {
  for (const PortDraft& port : draft.ports) {
    const std::uint16_t descriptors = port.descriptors.value_or(dataplane::PortSettings{}.descriptors);
    if (!std::has_single_bit(descriptors)) {
      problems.push_back({port.descriptors.at, std::to_string(descriptors) + " is no power of two; write " +
                                                   std::to_string(std::bit_floor(descriptors)) + " or " +
                                                   std::to_string(std::bit_ceil<unsigned>(descriptors))});
    }
    const std::size_t workers = draft.workers.size();
    const std::uint16_t queues = port.queues.value_or(dataplane::PortSettings{}.queues);
    if (workers > 1 && queues < workers) {
      problems.push_back({port.queues.given ? port.queues.at : port.at,
                          std::to_string(queues) + (queues == 1 ? " queue" : " queues") + " for " +
                              std::to_string(workers) + " workers; write queues: " + std::to_string(workers) +
                              ", for every worker transmits on a queue of its own"});
    }
  }
}

/// What a stamp makes a packet of the peer's longer by.
std::size_t stamp_bytes(const PeerDraft& peer) {
  dataplane::PeerSettings settings;
  for (const PathDraft& path : peer.paths) {
    settings.paths.emplace_back().tunnel = tunnel_of(path.tunnel);
  }
  return dataplane::stamp_bytes(settings);
}

/// The longest packet of the host port fits every fabric port with a stamp.
void check_stamped_mtu(const Draft& draft, std::size_t stamp, std::vector<Problem>& problems) {
  const auto host =
      std::ranges::find_if(draft.ports, [](const PortDraft& port) { return has_role(port, PortRole::host); });
  if (host == draft.ports.end()) {
    return;
  }
  const std::uint16_t host_mtu = host->mtu.value_or(dataplane::PortSettings{}.mtu);
  const std::size_t needed = host_mtu + stamp;
  for (const PortDraft& port : draft.ports) {
    const std::uint16_t mtu = port.mtu.value_or(dataplane::PortSettings{}.mtu);
    // Below the host port's own, it is refused for that already.
    if (!has_role(port, PortRole::fabric) || mtu < host_mtu || mtu >= needed) {
      continue;
    }
    problems.push_back({port.mtu.given ? port.mtu.at : port.at,
                        "mtu " + std::to_string(mtu) + " has no room for the host port's " +
                            std::to_string(host_mtu) + " and a stamp of " + std::to_string(stamp) +
                            "; write mtu: " + std::to_string(needed) +
                            " or more, a lower mtu for the host port, or stamping: none"});
  }
}

/// One host port, at least one fabric port, and every frame that fits the host port fits the fabric.
void check_wire_mode(const Draft& draft, std::vector<Problem>& problems) {
  const auto all_decoded = std::ranges::all_of(draft.ports, [](const PortDraft& p) { return p.role.given; });
  const PortDraft* host = nullptr;
  std::size_t fabric = 0;
  for (const PortDraft& port : draft.ports) {
    if (has_role(port, PortRole::fabric)) {
      ++fabric;
    }
    if (!has_role(port, PortRole::host)) {
      continue;
    }
    if (host != nullptr) {
      problems.push_back({port.role.at, "a second host port, first " + on_line(host->role.at) +
                                            "; wire mode joins exactly one host port to the fabric"});
    } else {
      host = &port;
    }
  }
  if (!all_decoded || draft.ports.empty()) {
    return;
  }
  const Location& first = draft.ports.front().at;
  if (host == nullptr) {
    problems.push_back({first, "no port has role: host; wire mode has exactly one"});
  }
  if (fabric == 0) {
    problems.push_back({first, "no port has role: fabric; wire mode has at least one"});
  }
  if (host == nullptr) {
    return;
  }
  const std::uint16_t host_mtu = host->mtu.value_or(dataplane::PortSettings{}.mtu);
  for (const PortDraft& port : draft.ports) {
    const std::uint16_t mtu = port.mtu.value_or(dataplane::PortSettings{}.mtu);
    if (!has_role(port, PortRole::fabric) || mtu >= host_mtu) {
      continue;
    }
    problems.push_back({port.mtu.given ? port.mtu.at : port.at,
                        "mtu " + std::to_string(mtu) + " is below the host port's " +
                            std::to_string(host_mtu) + "; write mtu: " + std::to_string(host_mtu) +
                            " or more, or its large packets are lost"});
  }
}

/// The policy that RC and UC flows to the peer go by, and where it was written.
Given<lb::Policy> policy_to(const PeerDraft& peer, const Draft& draft) {
  return peer.policy.given ? peer.policy : draft.policy;
}

/// Packets of one flow on several paths need numbers, a peer that goes by them, and room for them in the
/// fabric's MTU.
void check_stamping(const Draft& draft, std::vector<Problem>& problems) {
  for (const PeerDraft& peer : draft.peers) {
    const Given<lb::Policy> policy = policy_to(peer, draft);
    const bool stamps = peer.stamping.value_or(dataplane::Stamping::none) != dataplane::Stamping::none;
    if (policy.given && policy.value == lb::Policy::spray && !stamps) {
      problems.push_back({policy.at,
                          "policy 'spray' needs a peer that restores order; write stamping: int-md "
                          "for the peer if it does, else policy: idle-move"});
    }
    // Whatever our own policy is, the peer's packets come stamped.
    if (stamps) {
      check_stamped_mtu(draft, stamp_bytes(peer), problems);
    }
  }
}

/// Every path's port takes the longest message.
void check_message_mtu(const Draft& draft, std::vector<Problem>& problems) {
  constexpr std::size_t headers = telemetry::ipv4_header_bytes + telemetry::udp_header_bytes;
  for (const PeerDraft& peer : draft.peers) {
    if (!peer.messages.key_file.given) {
      continue;
    }
    const std::size_t records = std::min(peer.paths.size(), telemetry::most_records);
    const std::size_t needed = headers + telemetry::least_feedback_bytes + records * telemetry::record_bytes;
    for (const PortDraft& port : draft.ports) {
      if (has_role(port, PortRole::fabric) && port.mtu.given && port.mtu.value < needed) {
        problems.push_back({port.mtu.at, "mtu " + std::to_string(port.mtu.value) +
                                             " has no room for messages about the peer's paths; write mtu: " +
                                             std::to_string(needed) + " or more, or leave out messages"});
      }
    }
  }
}

void check_int_port(const Draft& draft, std::vector<Problem>& problems) {
  const Given<std::uint16_t>& port = draft.telemetry.int_port;
  if (!port.given) {
    return;
  }
  const std::string number = "int_port " + std::to_string(port.value);
  if (port.value == telemetry::rocev2_udp_port || port.value == telemetry::message_udp_port) {
    problems.push_back({port.at, number + " is that of " +
                                     (port.value == telemetry::rocev2_udp_port ? "RoCEv2" : "messages") +
                                     "; write one that nothing else uses"});
  }
}

}  // namespace

void validate(const Draft& draft, std::vector<Problem>& problems) {
  check_names(draft, problems);
  check_cores(draft, problems);
  check_devices(draft, problems);
  check_ports(draft, problems);
  check_wire_mode(draft, problems);
  check_stamping(draft, problems);
  check_rules(draft, problems);
  check_tunnels(draft, problems);
  check_traces(draft, problems);
  check_returns(draft, problems);
  check_forecast(draft, problems);
  check_message_mtu(draft, problems);
  check_int_port(draft, problems);
  check_path_ports(draft, problems);
}

}  // namespace braidway::ctrl
