// Sends Telemetry Reports 2.0 to collectors: the records that workers have handed over, several a datagram,
// the same to each collector, by the kernel's sockets. Reports are sent once and never waited for.
//
// What a report says: the packet's first bytes as it came, from Ethernet on, with INT and the metadata of its
// hops; the port that it came by and when, on the workers' clock; Q for a queue that is deep, F for all else
// that makes a flow worth telling of.
//
// Owner: the control thread; counts() anybody.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "dataplane/gateway.hpp"
#include "dataplane/report_tap.hpp"
#include "dataplane/unique_fd.hpp"
#include "telemetry/counter.hpp"
#include "telemetry/report.hpp"

namespace braidway::ctrl {

class Reporter {
 public:
  /// `collectors`: ADDRESS:PORT each, as config checks them. Error: one sentence.
  static tl::expected<std::unique_ptr<Reporter>, std::string> create(
      const dataplane::GatewaySettings& settings, const std::vector<std::string>& collectors);

  /// Sends what has been handed over since the last call.
  void send(dataplane::Gateway& gateway);

  struct Counts {
    telemetry::Counter reports;    ///< in datagrams that were sent to at least one collector
    telemetry::Counter datagrams;  ///< sent
    telemetry::Counter unsent;     ///< datagrams that the kernel did not take
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

 private:
  struct Collector {
    dataplane::UniqueFd socket;
    telemetry::ReportStream stream;
  };

  explicit Reporter(const dataplane::GatewaySettings& settings) : settings_(settings) {}
  void send(std::span<const dataplane::ReportRecord> records);
  [[nodiscard]] telemetry::Report report_of(const dataplane::ReportRecord& record) const noexcept;

  const dataplane::GatewaySettings& settings_;
  std::vector<Collector> collectors_;
  std::array<dataplane::ReportRecord, 64> records_;
  Counts counts_;
};

}  // namespace braidway::ctrl
