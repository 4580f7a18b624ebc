// The configuration as written: every value with its place, nothing resolved, nothing defaulted. Decoding
// fills it, validation reads it. Plain values, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ctrl/config/config.hpp"
#include "dataplane/parser.hpp"
#include "dataplane/settings.hpp"

namespace braidway::ctrl {

/// A value that may have been given, and rightly.
template <class T>
struct Given {
  using Value = T;
  T value{};
  Location at;
  bool given = false;

  [[nodiscard]] T value_or(const T& other) const { return given ? value : other; }
};

struct GatewayDraft {
  Location at;
  Given<std::string> name;
  Given<std::uint16_t> id;
};

struct WorkerDraft {
  Location at;
  Given<std::uint16_t> core;
};

struct LinkDraft {
  Location at;
  Given<std::string> source;
  Given<std::string> destination;
  Given<std::uint16_t> vlan;
};

struct PortDraft {
  Location at;
  Given<std::string> name;
  Given<dataplane::PortRole> role;
  Given<std::string> device;
  Given<std::uint16_t> queues;
  Given<std::uint16_t> mtu;
  Given<std::uint16_t> descriptors;
  Given<std::uint16_t> stall_ms;
  Given<dataplane::XdpTake> xdp_take;
  LinkDraft link;  ///< there is one if there is a source
};

struct TunnelDraft {
  Location at;
  Given<std::string> source;
  Given<std::string> destination;
  Given<std::uint16_t> source_port;
};

struct PathDraft {
  Location at;
  Given<std::string> port;
  Given<std::uint32_t> weight;
  Given<std::string> name;
  TunnelDraft tunnel;  ///< there is one if there is a source
  Given<std::uint32_t> rate_mbps;
};

struct MessagesDraft {
  Location at;
  Given<std::string> key_file;
  Given<std::uint32_t> interval_us;
  Given<std::uint32_t> heartbeat_us;
  Given<std::uint32_t> suspect_us;
  Given<std::uint32_t> patience_us;
};

struct HopsDraft {
  Location at;
  std::vector<Given<std::uint16_t>> instructions;
  Given<std::uint8_t> hops;
  Given<bool> own;
  Given<std::uint32_t> utilisation_full;
};

struct RuleDraft {
  Location at;
  Given<std::string> destination;
  Given<dataplane::TrafficClass> traffic_class;
  Given<lb::Policy> policy;
  Given<dataplane::Stamping> stamping;
  Given<bool> traced;
  HopsDraft hops;
};

struct TraceDraft {
  Location at;
  Given<std::string> source;  ///< there are traces if there is a source
  Given<std::string> destination;
  std::vector<Given<std::uint32_t>> instructions;
  Given<std::uint16_t> namespace_id;
  Given<std::uint8_t> nodes;
  Given<bool> own_node;
};

struct PeerDraft {
  Location at;
  Given<std::string> name;
  Given<std::uint16_t> id;
  std::vector<PathDraft> paths;
  Given<lb::Policy> policy;
  Given<dataplane::Stamping> stamping;
  Given<std::uint32_t> hold_us;
  Given<bool> heeds_returns;
  Given<dataplane::EntropyField> entropy;
  HopsDraft hops;
  std::vector<RuleDraft> rules;
  TraceDraft trace;
  MessagesDraft messages;  ///< there are some if there is a key file
};

struct LinkLocalDraft {
  Location at;
  Given<dataplane::LinkLocal> lldp;
  Given<dataplane::LinkLocal> lacp;
  Given<dataplane::LinkLocal> stp;
  Given<dataplane::LinkLocal> eapol;
};

struct MemoryDraft {
  Location at;
  Given<dataplane::Hugepages> hugepages;
  Given<std::uint32_t> limit_mib;
  Given<std::uint32_t> mbufs;
  Given<std::uint32_t> flows;
};

struct CollectorDraft {
  Location at;
  Given<std::string> address;
};

struct ReportsDraft {
  Location at;
  std::vector<CollectorDraft> collectors;  ///< there are reports if there are some
  Given<std::uint32_t> queue_bytes;
  Given<std::uint32_t> latency_step_ns;
  Given<std::uint32_t> per_second;
};

struct TelemetryDraft {
  Location at;
  Given<std::uint16_t> int_port;
  ReportsDraft reports;
};

struct ForecastDraft {
  Location at;
  Given<bool> applies;  ///< there is a forecast if this is given
  Given<std::uint32_t> tick_us;
};

struct ApiDraft {
  Location at;
  Given<std::string> socket;
};

struct Draft {
  Location at;
  GatewayDraft gateway;
  Given<dataplane::Mode> mode;
  Given<lb::Policy> policy;
  Given<dataplane::Idle> idle;
  Given<std::uint64_t> hash_seed;
  std::vector<WorkerDraft> workers;
  std::vector<Given<std::uint16_t>> control_cores;
  std::vector<PortDraft> ports;
  std::vector<PeerDraft> peers;
  LinkLocalDraft link_local;
  MemoryDraft memory;
  TelemetryDraft telemetry;
  ForecastDraft forecast;
  ApiDraft api;
};

}  // namespace braidway::ctrl
