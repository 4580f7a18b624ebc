// What a gateway is told to be: plain data, decoded by ctrl/config, read once at start. Everything here has
// been validated (references resolved to indices, limits kept) by whoever filled it in. Owner: the main
// thread; immutable once workers run.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/own_ports.hpp"
#include "lb/flow_rules.hpp"
#include "lb/policy.hpp"
#include "lb/types.hpp"
#include "telemetry/int_md.hpp"
#include "telemetry/message.hpp"
#include "telemetry/roce.hpp"

namespace braidway::dataplane {

/// `wire`: one host port, any number of fabric strands, MACs untouched, every frame goes through.
/// Routed mode (several host ports, tunnels) takes its place here when it comes.
enum class Mode : std::uint8_t { wire };
enum class PortRole : std::uint8_t { host, fabric };
/// `poll`: a worker never leaves its core. `sleep`: it sleeps for microseconds when all its queues are empty.
enum class Idle : std::uint8_t { poll, sleep };
/// How packets of a flow on several paths are numbered, to a peer and from it. `int_md` is the operator's
/// word that the peer takes the numbers off and restores order.
enum class Stamping : std::uint8_t { none, int_md };
/// What to do with a link-local control protocol in wire mode.
enum class LinkLocal : std::uint8_t { pass, consume };
/// `automatic`: hugepages where there are enough, else none, said in the log.
enum class Hugepages : std::uint8_t { automatic, require, off };
/// What the XDP program of an af_xdp port gives to the gateway: every frame, or RoCEv2 and our own UDP ports
/// only.
enum class XdpTake : std::uint8_t { all, rocev2 };

/// The layer-2 header of packets that a tunnel begins or ends with at a port.
struct LinkSettings {
  std::array<std::uint8_t, 6> source{};
  std::array<std::uint8_t, 6> destination{};
  std::uint16_t vlan = 0;  ///< tag control information, 802.1Q; 0: no tag
};

struct PortSettings {
  std::string name;
  PortRole role = PortRole::host;
  /// A device word (see device.hpp) or DPDK devargs; absent in configurations that are only replayed or
  /// checked.
  std::optional<std::string> device;
  std::uint16_t queues = 1;          ///< receive and transmit queues each, 1..16
  std::uint16_t mtu = 1500;          ///< layer-3 bytes, 68..9600
  std::uint16_t descriptors = 1024;  ///< per queue, a power of two, 64..32768
  std::uint16_t stall_ms =
      200;  ///< time without taking a packet after which its packets are dropped, 1..60000
  XdpTake xdp_take = XdpTake::all;
  std::optional<LinkSettings> link{};  ///< there is one where tunnels need it
  OwnPorts own_ports = {};             ///< by which XdpTake::rocev2 knows what gateways write; the gateway's
};

/// A path through somebody's fabric: what it is routed by. Both addresses are of one family.
struct TunnelPath {
  lb::IpAddress source{};
  lb::IpAddress destination{};
  std::uint16_t source_port = 0;  ///< UDP's, which pins the way
};

struct PathSettings {
  std::string name;                       ///< of the path; the port's name unless given
  std::uint16_t port = 0;                 ///< index into GatewaySettings::ports, a fabric port
  std::uint32_t weight = 1;               ///< relative, 1..10000
  std::optional<TunnelPath> tunnel = {};  ///< else a strand; all of a peer's paths are alike
  /// Of its narrowest link, Mbit/s, 1..10000000; 0: of the port's, as its driver says.
  std::uint32_t rate_mbps = 0;
};

/// Heartbeats that a path misses before it is dead.
inline constexpr std::uint32_t missed_heartbeats = 3;

/// Messages with a peer (telemetry/message.hpp).
struct MessageSettings {
  telemetry::MessageKey key;
  std::uint32_t interval_us = 100;  ///< between feedbacks while anything comes from the peer, 50..1000000
  std::uint32_t heartbeat_us =
      1000;                          ///< a path on which nothing was sent for so long is probed, 100..1000000
  std::uint32_t suspect_us = 200;    ///< silence after which a path is suspect, 100..1000000
  std::uint32_t patience_us = 1000;  ///< hold_us is put off for so long for paths that are alive but slow
};

/// What the slow loop does: it forecasts what others put on the paths (ctrl/forecast).
struct ForecastSettings {
  bool applies = false;          ///< to the paths' weights; else it looks on
  std::uint32_t tick_us = 1000;  ///< 500..100000, a multiple of 100
};

/// Which packets of the peer are reported on to collectors (telemetry/report_policy.hpp).
struct ReportSettings {
  std::uint32_t queue_bytes = 100'000;     ///< a hop's queue from then on is news, 1..16777214
  std::uint32_t latency_step_ns = 20'000;  ///< the same for a change of a flow's latency, 1..1000000000
  std::uint32_t per_second = 10'000;       ///< reports at most, 1..1000000
};

/// What stamps ask of the hops that they pass (telemetry/int_md.hpp).
struct HopSettings {
  std::uint16_t instructions = 0;  ///< bits of telemetry::int_defined_bits; 0: nothing
  std::uint8_t hops = 8;           ///< that may write, 1..255
  bool own = false;                ///< we are one of them, the first

  friend bool operator==(const HopSettings&, const HopSettings&) = default;
};

/// How packets to a peer are treated.
struct Treatment {
  lb::Policy policy = lb::Policy::pinned;
  Stamping stamping = Stamping::none;
  HopSettings hops;
  bool traced = false;  ///< they get the peer's traces; only without stamping
};

/// Traces (IOAM, telemetry/ioam.hpp) that packets to a peer get, and that those from it come with.
struct TraceSettings {
  lb::IpAddress source{};          ///< ours, IPv6
  lb::IpAddress destination{};     ///< the peer's
  std::uint32_t type = 0;          ///< bits of the trace type: what nodes are asked for
  std::uint16_t namespace_id = 0;  ///< 0: the default namespace
  std::uint8_t nodes = 4;          ///< that find room, 1..61
  bool own_node = false;           ///< we are one of them, the first
};

/// Where flows that fare badly get new entropy, so that a fabric's ECMP sends them another way.
enum class EntropyField : std::uint8_t { none, source_port, flow_label };

/// Packets that are treated otherwise than the rest.
struct RuleSettings {
  lb::FlowRules::Rule flows;  ///< kinds: by 1 << TrafficClass (parser.hpp)
  Treatment treatment;        ///< stamping: none, or the peer's
};

struct PeerSettings {
  std::string name;
  lb::GatewayId id{};
  std::vector<PathSettings> paths;         ///< 1..256; the index is the PathId
  lb::Policy policy = lb::Policy::pinned;  ///< of RC and UC flows that no rule fits
  Stamping stamping = Stamping::none;      ///< where the policy needs it, and of what comes from the peer
  HopSettings hops{};                      ///< of these stamps
  /// What hops say of an egress in full use, whoever's stamps ask them, 1..2^32-2.
  std::uint32_t utilisation_full = telemetry::utilisation_percent;
  std::vector<RuleSettings> rules{};     ///< the first that fits counts; at most lb::FlowRules::none
  std::optional<TraceSettings> trace{};  ///< of packets by rule; of others where stamping is none
  /// Hosts' ACKs, NAKs and CNPs tell how the paths are; only without stamping and messages.
  bool heeds_returns = false;
  EntropyField entropy = EntropyField::none;  ///< only where returns are heeded
  std::uint32_t hold_us = 150;  ///< wait of a packet for those before it in its flow, 10..100000
  std::optional<MessageSettings> messages{};  ///< none: nothing is said to the peer, and nothing heard
};

/// The peer's paths are tunnels.
inline bool by_tunnels(const PeerSettings& peer) noexcept { return peer.paths.front().tunnel.has_value(); }

/// Of a peer that there are messages with.
inline const MessageSettings& messages_with(const PeerSettings& peer) {
  assert(peer.messages);
  // NOLINTNEXTLINE(bugprone-unchecked-optional-access): who handles messages is made only where there are
  // some
  return *peer.messages;
}

struct WorkerSettings {
  std::uint16_t core = 0;  ///< CPU number as in /proc/cpuinfo
};

struct LinkLocalSettings {
  LinkLocal lldp = LinkLocal::pass;
  LinkLocal lacp = LinkLocal::pass;
  LinkLocal stp = LinkLocal::pass;
  LinkLocal eapol = LinkLocal::pass;
};

struct MemorySettings {
  Hugepages hugepages = Hugepages::automatic;
  std::uint32_t limit_mib = 512;  ///< memory that EAL may take, MiB
  std::uint32_t mbufs = 0;        ///< packet buffers; 0: computed from ports, queues and descriptors
  std::uint32_t flows = 65'536;   ///< that each worker remembers in either direction, 1024..2^26
};

struct GatewaySettings {
  std::string name;
  lb::GatewayId id{};
  Mode mode = Mode::wire;
  Idle idle = Idle::poll;
  std::uint64_t hash_seed = 0x627261696477617aULL;
  std::vector<WorkerSettings> workers;       ///< 1..16; the index is the lane
  std::vector<std::uint16_t> control_cores;  ///< empty: all cores that no worker uses, or any if none is left
  std::vector<PortSettings> ports;
  std::vector<PeerSettings> peers;  ///< exactly one in wire mode
  LinkLocalSettings link_local;
  MemorySettings memory;
  std::optional<ReportSettings> reports;             ///< none: none are made
  std::optional<ForecastSettings> forecast;          ///< none: nothing is; only where there are messages
  std::uint16_t int_port = telemetry::int_udp_port;  ///< UDP destination port of tagged packets
};

}  // namespace braidway::dataplane
