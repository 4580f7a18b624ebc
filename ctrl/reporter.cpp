#include "ctrl/reporter.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <span>
#include <sys/socket.h>
#include <system_error>

#include "ctrl/collect/socket.hpp"

namespace braidway::ctrl {
namespace {

/// A datagram: what an Ethernet frame of 1500 bytes carries over IPv6.
constexpr std::size_t most_bytes = 1452;

}  // namespace

tl::expected<std::unique_ptr<Reporter>, std::string> Reporter::create(
    const dataplane::GatewaySettings& settings, const std::vector<std::string>& collectors) {
  auto reporter = std::unique_ptr<Reporter>(new Reporter(settings));
  for (const std::string& text : collectors) {
    auto socket = collect::parse_endpoint(text).and_then(collect::connect_to);
    if (!socket) {
      return tl::unexpected(socket.error());
    }
    reporter->collectors_.push_back(
        {.socket = std::move(*socket), .stream = telemetry::ReportStream(0, lb::value(settings.id))});
  }
  return reporter;
}

void Reporter::send(dataplane::Gateway& gateway) {
  // What comes meanwhile is for the next call.
  for (std::size_t taken = 0; taken < dataplane::report_ring_size;) {
    const std::size_t count = gateway.take_reports(records_);
    if (count == 0) {
      return;
    }
    taken += count;
    send(std::span{records_}.first(count));
  }
}

telemetry::Report Reporter::report_of(const dataplane::ReportRecord& record) const noexcept {
  const auto& paths = settings_.peers.front().paths;
  const std::size_t path = lb::value(record.path);
  const bool deep = record.cause == telemetry::ReportCause::queue;
  telemetry::Report report{.inner_type = telemetry::InnerType::ethernet,
                           .congested = deep,
                           .tracked_flow = !deep,
                           .inner = std::span{record.head}.first(record.bytes)};
  report.metadata.present = telemetry::report_bit::ingress_time;
  report.metadata.ingress_time = static_cast<std::uint64_t>(record.time_ns);
  if (path < paths.size()) {
    report.metadata.present |= telemetry::report_bit::l1_interfaces;
    report.metadata.l1_ingress = paths[path].port;
  }
  return report;
}

/// As many in a datagram as there is room for.
void Reporter::send(std::span<const dataplane::ReportRecord> records) {
  std::array<std::byte, most_bytes> memory;
  while (!records.empty()) {
    std::size_t written = 0;
    bool sent = false;
    for (Collector& collector : collectors_) {
      telemetry::ReportWriter writer(memory, collector.stream.next(), records.front().head.size());
      written = 0;
      while (written < records.size() &&
             writer.add(report_of(records[written])) == telemetry::ReportDefect::none) {
        ++written;
      }
      const auto payload = writer.payload();
      const bool taken = ::send(collector.socket.get(), payload.data(), payload.size(), MSG_DONTWAIT) >= 0;
      (taken ? counts_.datagrams : counts_.unsent).add(1);
      sent = sent || taken;
    }
    if (written == 0) {
      return;  // no collector: nobody asked for records
    }
    counts_.reports.add(sent ? written : 0);
    records = records.subspan(written);
  }
}

}  // namespace braidway::ctrl
