// libFuzzer over what `braidwayctl collect` makes of a datagram: whatever the bytes, every report in it
// becomes an object and a line of printable characters. Once as they are, and once as the packet of a report.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ctrl/collect/lines.hpp"
#include "telemetry/report.hpp"
#include "telemetry/roce.hpp"
#include "tests/fuzz/require.hpp"

namespace braidway::tests {
namespace {

using namespace telemetry;
using namespace ctrl::collect;
using Bytes = std::vector<std::byte>;

void check_line(const Json& json) {
  const std::string line = line_of(json);
  require(!line.empty() && line.back() == '\n', "a line ends");
  require(std::all_of(line.begin(), line.end() - 1, [](char each) { return each >= ' ' && each <= '~'; }),
          "and can be printed");
  require(Json::parse(json.dump()) == json, "what is written as JSON is read as the same");
}

void check_datagram(const Bytes& bytes) {
  const Arrival arrival{.time = {}, .sender = "10.0.0.1", .port = 1, .bytes = bytes.size()};
  ReportReader reader(bytes);
  if (reader.defect() != ReportDefect::none) return check_line(malformed_json(arrival, reader.defect()));
  while (reader.more()) {
    Report report;
    const auto defect = reader.next(report);
    if (defect != ReportDefect::none) return check_line(malformed_json(arrival, defect));
    check_line(report_json(arrival, reader.group(), false, report, int_udp_port));
  }
}

void check_packet(const Bytes& bytes) {
  for (const auto type : {InnerType::ethernet, InnerType::ipv4, InnerType::ipv6}) {
    const Report report{.inner_type = type, .inner = bytes};
    check_line(report_json({.time = {}, .sender = "fd00::1", .port = 1, .bytes = 0}, {}, true, report,
                           int_udp_port));
  }
}

}  // namespace
}  // namespace braidway::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* from = reinterpret_cast<const std::byte*>(data);
  const braidway::tests::Bytes bytes(from, from + size);
  braidway::tests::check_datagram(bytes);
  braidway::tests::check_packet(bytes);
  return 0;
}
