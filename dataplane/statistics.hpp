// What a gateway has counted, summed over its workers: plain values, a copy. Made by the control thread at
// any time without disturbing workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "dataplane/settings.hpp"
#include "telemetry/log_linear_histogram.hpp"
#include "telemetry/path_meter.hpp"

namespace braidway::dataplane {

struct PeerLink;
class Worker;

struct StageStatistics {
  std::string_view way;
  std::string_view stage;
  std::uint64_t packets = 0;
  std::uint64_t timed_packets = 0;  ///< of these, in bursts that were timed
  std::uint64_t cycles = 0;         ///< TSC cycles of the timed bursts
};

struct NamedCount {
  std::string_view name;
  std::uint64_t count = 0;
};

struct WorkerStatistics {
  std::uint64_t turns = 0;
  std::uint64_t busy_turns = 0;
  std::uint64_t idle_cycles = 0;
};

/// What one hop has told of itself.
struct ReceivedByHop {
  std::uint32_t node_id = telemetry::not_measured;
  std::uint64_t node_changes = 0;      ///< times that another node wrote in this place
  telemetry::HistogramCounts queue;    ///< bytes
  telemetry::HistogramCounts latency;  ///< ns
};

/// What a sink has measured of one path from the peer. All 0 where the peer's packets bear no tags.
struct ReceivedByPath {
  telemetry::PathTotals totals;
  telemetry::HistogramCounts delay;  ///< above the path's minimum, ns
  telemetry::HistogramCounts hold;   ///< in the order window, ns; of packets that were held
  std::vector<ReceivedByHop> hops;   ///< from the source on, as far as they are metered
};

/// What hosts' return traffic tells of one path.
struct ReturnedByPath {
  std::uint64_t requests = 0;      ///< sent over it, repeats apart
  std::uint64_t repeats = 0;       ///< packets that hosts sent again over it
  telemetry::HistogramCounts rtt;  ///< round trips, ns
  std::uint64_t cnps = 0;          ///< that came back for it
  std::uint64_t naks = 0;          ///< "PSN sequence error", the same
};

struct Statistics {
  std::vector<StageStatistics> stages;  ///< every stage of every way, in the order of the lists
  std::vector<NamedCount> drops;        ///< by reason
  std::vector<NamedCount> order;        ///< what was counted of stamps and order
  std::vector<NamedCount>
      reports;  ///< to collectors, and what kept some from being made; empty: none are wanted
  std::vector<std::uint64_t> path_packets;  ///< sent over each path without messages, by PathId of the peer
  std::vector<ReceivedByPath> received;     ///< by the peer's PathId
  std::vector<ReturnedByPath> returned;     ///< by PathId; empty: return traffic is not heeded
  std::vector<WorkerStatistics> workers;    ///< by lane
};

/// What was exchanged with the peer.
struct PeerStatistics {
  bool restores_order = false;       ///< it has said so; without messages the operator has
  lb::Policy policy{};               ///< in force
  std::uint32_t boots = 0;           ///< of the peer that were witnessed
  std::vector<NamedCount> messages;  ///< sent; received, by what became of them; empty: there are none
};

Statistics collect(const std::vector<std::unique_ptr<Worker>>& workers, const PeerSettings& peer);
PeerStatistics collect(const std::vector<std::unique_ptr<Worker>>& workers, const PeerLink& link);

}  // namespace braidway::dataplane
