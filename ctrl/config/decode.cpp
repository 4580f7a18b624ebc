#include "ctrl/config/decode.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "ctrl/collect/socket.hpp"
#include "ctrl/config/prefix.hpp"
#include "dataplane/device.hpp"
#include "lb/flow_map.hpp"
#include "lb/flow_rules.hpp"
#include "lb/types.hpp"
#include "telemetry/int_md.hpp"
#include "telemetry/ioam.hpp"

namespace braidway::ctrl {
namespace {

using dataplane::EntropyField;
using dataplane::Hugepages;
using dataplane::Idle;
using dataplane::LinkLocal;
using dataplane::Mode;
using dataplane::PortRole;
using dataplane::Stamping;
using dataplane::TrafficClass;
using dataplane::XdpTake;
using lb::Policy;

constexpr std::uint64_t max_core = 1023;  // CPU_SETSIZE - 1
constexpr std::size_t max_name = 32;
constexpr std::size_t max_socket_path = 107;      // sizeof(sockaddr_un::sun_path) - 1
constexpr std::uint64_t max_limit_mib = 1048576;  // 1 TiB
constexpr std::uint64_t max_mbufs = 1U << 26U;
constexpr std::uint64_t least_flows = 1024;
constexpr std::uint64_t most_collectors = 8;

constexpr std::string_view a_name = "a name: 1 to 32 letters, digits, _, . or -";
constexpr std::string_view a_device = "a device: a PCI address, KIND:WHERE or DPDK devargs";
constexpr std::string_view a_socket = "the path of a UNIX socket";
constexpr std::string_view a_collector = "ADDRESS:PORT, as 10.0.0.9:32766";
constexpr std::string_view a_key_file = "the path of a file with 32 hexadecimal digits";
constexpr std::string_view a_port = "the name of a fabric port";

constexpr std::string_view workers = "workers";
constexpr std::string_view ports = "ports";
constexpr std::string_view paths = "paths";
constexpr std::string_view collectors = "collectors";
constexpr std::string_view rules = "rules";
constexpr std::string_view instructions = "instructions";
constexpr std::string_view an_address = "an IP address";
constexpr std::string_view a_mac = "a MAC address, as 02:00:00:00:00:01";
constexpr std::string_view a_prefix = "addresses that begin alike, as 10.0.0.0/8 or fd00::/8";
constexpr std::string_view wire_peers = "peer in wire mode";

std::string check_name(std::string_view name) {
  const bool good =
      !name.empty() && name.size() <= max_name && std::ranges::all_of(name, [](unsigned char c) {
        return (std::isalnum(c) != 0 && c < 0x80) || c == '_' || c == '.' || c == '-';
      });
  return good ? std::string{} : in_quotes(name) + " is no name; a name is 1 to 32 letters, digits, _, . or -";
}

std::string check_device(std::string_view word) {
  const auto device = dataplane::parse_device_word(word);
  return device ? std::string{} : device.error();
}

std::string check_socket(std::string_view path) {
  if (!path.empty() && path.size() <= max_socket_path && path.find('\0') == std::string_view::npos) {
    return {};
  }
  return "a socket path of " + std::to_string(path.size()) + " bytes; UNIX sockets take 1 to 107";
}

std::string check_collector(std::string_view text) {
  const auto endpoint = collect::parse_endpoint(std::string(text));
  if (!endpoint) {
    return endpoint.error();
  }
  return endpoint->port == 0 ? in_quotes(text) + " has port 0; a collector has one of its own"
                             : std::string{};
}

std::string check_path(std::string_view path) {
  const bool good = !path.empty() && path.find('\0') == std::string_view::npos;
  return good ? std::string{} : in_quotes(path) + " is no path of a file";
}

std::string check_prefix(std::string_view text) {
  const auto prefix = parse_prefix(text);
  return prefix ? std::string{} : prefix.error();
}

std::string check_address(std::string_view text) {
  const auto address = parse_address(text);
  return address ? std::string{} : address.error();
}

std::string check_mac(std::string_view text) {
  const auto mac = parse_mac(text);
  return mac ? std::string{} : mac.error();
}

std::string nothing_more(std::string_view /*word*/) { return {}; }

std::string later_modes(std::string_view word) {
  if (word != "routed") {
    return {};
  }
  return "mode 'routed' comes later; this version knows wire (one host port, any number of fabric ports)";
}

std::string later_policies(std::string_view word) {
  if (word != "reroute") {
    return {};
  }
  return "policy 'reroute' comes later: gateways do not tell each other of delays yet; this version knows "
         "pinned, idle-move, spray and auto";
}

std::string other_stampings(std::string_view word) {
  return word == "ioam" ? "stamping 'ioam' bears no order and is none; write ioam: {...} for the peer, "
                          "beside stamping: none"
                        : std::string{};
}

constexpr std::array mode_words{Word<Mode>{"wire", Mode::wire}};
constexpr std::array policy_words{
    Word<Policy>{"pinned", Policy::pinned}, Word<Policy>{"idle-move", Policy::idle_move},
    Word<Policy>{"spray", Policy::spray}, Word<Policy>{"auto", Policy::automatic}};
constexpr std::array stamping_words{Word<Stamping>{"none", Stamping::none},
                                    Word<Stamping>{"int-md", Stamping::int_md}};
constexpr std::array return_words{Word<bool>{"ignore", false}, Word<bool>{"heed", true}};
constexpr std::array entropy_words{Word<EntropyField>{"none", EntropyField::none},
                                   Word<EntropyField>{"source-port", EntropyField::source_port},
                                   Word<EntropyField>{"flow-label", EntropyField::flow_label}};
constexpr std::array class_words{
    Word<TrafficClass>{"rdma", TrafficClass::rdma}, Word<TrafficClass>{"cnp", TrafficClass::cnp},
    Word<TrafficClass>{"ud", TrafficClass::ud}, Word<TrafficClass>{"other", TrafficClass::other}};
// The names of the instructions in the standard, section 5.7.
constexpr std::array instruction_words{
    Word<std::uint16_t>{"node-id", telemetry::int_node_id},
    Word<std::uint16_t>{"interfaces", telemetry::int_level1_interfaces},
    Word<std::uint16_t>{"hop-latency", telemetry::int_hop_latency},
    Word<std::uint16_t>{"queue", telemetry::int_queue},
    Word<std::uint16_t>{"ingress-time", telemetry::int_ingress_time},
    Word<std::uint16_t>{"egress-time", telemetry::int_egress_time},
    Word<std::uint16_t>{"level2-interfaces", telemetry::int_level2_interfaces},
    Word<std::uint16_t>{"egress-utilisation", telemetry::int_egress_utilisation},
    Word<std::uint16_t>{"buffer", telemetry::int_buffer}};
// The bits of the trace type in RFC 9197, section 4.4.1.
constexpr std::array trace_words{
    Word<std::uint32_t>{"node-id", telemetry::ioam_node_id},
    Word<std::uint32_t>{"interfaces", telemetry::ioam_interfaces},
    Word<std::uint32_t>{"seconds", telemetry::ioam_seconds},
    Word<std::uint32_t>{"fraction", telemetry::ioam_fraction},
    Word<std::uint32_t>{"transit-delay", telemetry::ioam_transit_delay},
    Word<std::uint32_t>{"namespace-data", telemetry::ioam_namespace_data},
    Word<std::uint32_t>{"queue-depth", telemetry::ioam_queue_depth},
    Word<std::uint32_t>{"node-id-wide", telemetry::ioam_node_id_wide},
    Word<std::uint32_t>{"interfaces-wide", telemetry::ioam_interfaces_wide},
    Word<std::uint32_t>{"namespace-data-wide", telemetry::ioam_namespace_data_wide},
    Word<std::uint32_t>{"buffer-occupancy", telemetry::ioam_buffer_occupancy}};
constexpr std::array idle_words{Word<Idle>{"poll", Idle::poll}, Word<Idle>{"sleep", Idle::sleep}};
constexpr std::array forecast_words{Word<bool>{"observe", false}, Word<bool>{"bias", true}};
constexpr std::array role_words{Word<PortRole>{"host", PortRole::host},
                                Word<PortRole>{"fabric", PortRole::fabric}};
constexpr std::array take_words{Word<XdpTake>{"all", XdpTake::all}, Word<XdpTake>{"rocev2", XdpTake::rocev2}};
constexpr std::array link_local_words{Word<LinkLocal>{"pass", LinkLocal::pass},
                                      Word<LinkLocal>{"consume", LinkLocal::consume}};
constexpr std::array hugepages_words{Word<Hugepages>{"automatic", Hugepages::automatic},
                                     Word<Hugepages>{"require", Hugepages::require},
                                     Word<Hugepages>{"off", Hugepages::off}};

constexpr std::array gateway_fields{text<&GatewayDraft::name, check_name, a_name>("name", required),
                                    number<&GatewayDraft::id, 1, 65535>("id", required)};
constexpr std::array worker_fields{number<&WorkerDraft::core, 0, max_core>("core", required)};
constexpr std::array link_fields{
    text<&LinkDraft::source, check_mac, a_mac>("source", required),
    text<&LinkDraft::destination, check_mac, a_mac>("destination", required),
    number<&LinkDraft::vlan, 1, 4094>("vlan", optional),
};
constexpr std::array tunnel_fields{
    text<&TunnelDraft::source, check_address, an_address>("source", required),
    text<&TunnelDraft::destination, check_address, an_address>("destination", required),
    number<&TunnelDraft::source_port, 1, 65535>("source_port", required),
};
constexpr std::array port_fields{
    text<&PortDraft::name, check_name, a_name>("name", required),
    choice<&PortDraft::role, role_words, nothing_more>("role", required),
    text<&PortDraft::device, check_device, a_device>("device", optional),
    number<&PortDraft::queues, 1, 16>("queues", optional),
    number<&PortDraft::mtu, 68, 9600>("mtu", optional),
    number<&PortDraft::descriptors, 64, 32768>("descriptors", optional),
    number<&PortDraft::stall_ms, 1, 60000>("stall_ms", optional),
    choice<&PortDraft::xdp_take, take_words, nothing_more>("xdp_take", optional),
    record<&PortDraft::link, link_fields>("link", optional),
};
constexpr std::array path_fields{text<&PathDraft::port, check_name, a_port>("port", required),
                                 number<&PathDraft::weight, 1, 10000>("weight", optional),
                                 text<&PathDraft::name, check_name, a_name>("name", optional),
                                 record<&PathDraft::tunnel, tunnel_fields>("tunnel", optional),
                                 number<&PathDraft::rate_mbps, 1, 10'000'000>("rate_mbps", optional)};
constexpr std::array message_fields{
    text<&MessagesDraft::key_file, check_path, a_key_file>("key_file", required),
    number<&MessagesDraft::interval_us, 50, 1'000'000>("interval_us", optional),
    number<&MessagesDraft::heartbeat_us, 100, 1'000'000>("heartbeat_us", optional),
    number<&MessagesDraft::suspect_us, 100, 1'000'000>("suspect_us", optional),
    number<&MessagesDraft::patience_us, 10, 1'000'000>("patience_us", optional),
};
constexpr std::array hop_fields{
    choices<&HopsDraft::instructions, instruction_words, instructions>("instructions", optional),
    number<&HopsDraft::hops, 1, 255>("hops", optional),
    truth<&HopsDraft::own>("own_hop", optional),
    number<&HopsDraft::utilisation_full, 1, 4'294'967'294>("utilisation_full", optional),
};
constexpr std::array rule_fields{
    text<&RuleDraft::destination, check_prefix, a_prefix>("destination", optional),
    choice<&RuleDraft::traffic_class, class_words, nothing_more>("class", optional),
    choice<&RuleDraft::policy, policy_words, later_policies>("policy", optional),
    choice<&RuleDraft::stamping, stamping_words, other_stampings>("stamping", optional),
    truth<&RuleDraft::traced>("ioam", optional),
    record<&RuleDraft::hops, hop_fields>("int", optional),
};
constexpr std::array trace_fields{
    text<&TraceDraft::source, check_address, an_address>("source", required),
    text<&TraceDraft::destination, check_address, an_address>("destination", required),
    choices<&TraceDraft::instructions, trace_words, instructions>("instructions", required),
    number<&TraceDraft::namespace_id, 0, 65535>("namespace", optional),
    number<&TraceDraft::nodes, 1, 61>("nodes", optional),
    truth<&TraceDraft::own_node>("own_node", optional),
};
constexpr std::array peer_fields{
    text<&PeerDraft::name, check_name, a_name>("name", required),
    number<&PeerDraft::id, 1, 65535>("id", required),
    list<&PeerDraft::paths, path_fields, paths, 1, lb::max_paths_per_peer>("paths", required),
    choice<&PeerDraft::policy, policy_words, later_policies>("policy", optional),
    choice<&PeerDraft::stamping, stamping_words, other_stampings>("stamping", optional),
    number<&PeerDraft::hold_us, 10, 100'000>("hold_us", optional),
    choice<&PeerDraft::heeds_returns, return_words, nothing_more>("return_traffic", optional),
    choice<&PeerDraft::entropy, entropy_words, nothing_more>("entropy", optional),
    record<&PeerDraft::hops, hop_fields>("int", optional),
    list<&PeerDraft::rules, rule_fields, rules, 1, lb::FlowRules::none>("rules", optional),
    record<&PeerDraft::trace, trace_fields>("ioam", optional),
    record<&PeerDraft::messages, message_fields>("messages", optional),
};
constexpr std::array link_local_fields{
    choice<&LinkLocalDraft::lldp, link_local_words, nothing_more>("lldp", optional),
    choice<&LinkLocalDraft::lacp, link_local_words, nothing_more>("lacp", optional),
    choice<&LinkLocalDraft::stp, link_local_words, nothing_more>("stp", optional),
    choice<&LinkLocalDraft::eapol, link_local_words, nothing_more>("eapol", optional),
};
constexpr std::array memory_fields{
    choice<&MemoryDraft::hugepages, hugepages_words, nothing_more>("hugepages", optional),
    number<&MemoryDraft::limit_mib, 64, max_limit_mib>("limit_mib", optional),
    number<&MemoryDraft::mbufs, 0, max_mbufs>("mbufs", optional),
    number<&MemoryDraft::flows, least_flows, lb::max_flows>("flows", optional)};
constexpr std::array collector_fields{
    text<&CollectorDraft::address, check_collector, a_collector>("address", required)};
constexpr std::array report_fields{
    list<&ReportsDraft::collectors, collector_fields, collectors, 1, most_collectors>("collectors", required),
    number<&ReportsDraft::queue_bytes, 1, 0xff'fffe>("queue_bytes", optional),
    number<&ReportsDraft::latency_step_ns, 1, 1'000'000'000>("latency_step_ns", optional),
    number<&ReportsDraft::per_second, 1, 1'000'000>("per_second", optional)};
constexpr std::array telemetry_fields{number<&TelemetryDraft::int_port, 1, 65535>("int_port", optional),
                                      record<&TelemetryDraft::reports, report_fields>("reports", optional)};
constexpr std::array forecast_fields{
    choice<&ForecastDraft::applies, forecast_words, nothing_more>("weights", required),
    number<&ForecastDraft::tick_us, 500, 100'000>("tick_us", optional)};
constexpr std::array api_fields{text<&ApiDraft::socket, check_socket, a_socket>("socket", optional)};

// One host port and a port for each path of a peer.
constexpr std::uint64_t max_ports = 1 + lb::max_paths_per_peer;
constexpr std::uint64_t max_seed = std::numeric_limits<std::uint64_t>::max();
constexpr std::array top_fields{
    record<&Draft::gateway, gateway_fields>("gateway", required),
    choice<&Draft::mode, mode_words, later_modes>("mode", required),
    choice<&Draft::policy, policy_words, later_policies>("policy", optional),
    choice<&Draft::idle, idle_words, nothing_more>("idle", optional),
    number<&Draft::hash_seed, 0, max_seed>("hash_seed", optional),
    list<&Draft::workers, worker_fields, workers, 1, lb::max_lanes>("workers", required),
    numbers<&Draft::control_cores, 0, max_core, 1, max_core + 1>("control_cores", optional),
    list<&Draft::ports, port_fields, ports, 2, max_ports>("ports", required),
    list<&Draft::peers, peer_fields, wire_peers, 1, 1>("peers", required),
    record<&Draft::link_local, link_local_fields>("link_local", optional),
    record<&Draft::memory, memory_fields>("memory", optional),
    record<&Draft::telemetry, telemetry_fields>("telemetry", optional),
    record<&Draft::forecast, forecast_fields>("forecast", optional),
    record<&Draft::api, api_fields>("api", optional),
};

}  // namespace

void refuse_type(const Node& node, const std::string& wanted, Problems& problems) {
  std::string found(name_of(node));
  if (node.kind == Node::Kind::scalar) {
    found = in_quotes(node.text) + (node.quoted ? " in quotes" : "");
  }
  problems.push_back({node.at, found + " stands here; " + wanted + " is wanted"});
}

bool has_leading_zero(std::string_view text) {
  return text.size() > 1 && text[0] == '0' && std::isdigit(static_cast<unsigned char>(text[1])) != 0;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0o")) {
    base = text[1] == 'x' ? 16 : 8;
    text.remove_prefix(2);
  } else if (has_leading_zero(text)) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

bool looks_like_no_string(std::string_view text) {
  constexpr std::array words{"",     "~",    "null",  "Null",  "NULL", "true",
                             "True", "TRUE", "false", "False", "FALSE"};
  if (std::ranges::find(words, text) != words.end() || number_in(text)) {
    return true;
  }
  // Core schema's decimal integers and floats (YAML 1.2.2, section 10.3.2): [-+]? digits [. digits] [e
  // digits].
  double number = 0;
  const std::string_view digits = text.starts_with('+') || text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (std::isdigit(static_cast<unsigned char>(digits[0])) == 0 && digits[0] != '.')) {
    return false;
  }
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error != std::errc::invalid_argument && end == digits.data() + digits.size();
}

Draft decode(const Node& root, Problems& problems) {
  Draft draft;
  decode_map(root, top_fields, draft, problems);
  return draft;
}

std::vector<KeyInfo> known_keys() {
  std::vector<KeyInfo> keys;
  describe_fields("", top_fields, keys);
  return keys;
}

}  // namespace braidway::ctrl
