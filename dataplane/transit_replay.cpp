#include "dataplane/transit_replay.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "dataplane/parser.hpp"
#include "dataplane/pcap_file.hpp"
#include "telemetry/transit.hpp"

namespace braidway::dataplane {
namespace {

using telemetry::HopMetadata;
using telemetry::TransitOutcome;

/// The most that a hop adds: 19 words (INT-MD 2.1, all instructions).
constexpr std::size_t headroom = 76;

class Hop {
 public:
  Hop(const GatewaySettings& settings, const PortSettings& port, const HopMetadata& metadata)
      : ports_{.int_md = settings.int_port},
        hop_{.udp_port = settings.int_port, .mtu = port.mtu},
        metadata_(metadata) {}

  /// The frame as it leaves, valid until the next one.
  std::span<const std::byte> pass(std::span<const std::byte> frame, TransitedPort& counts) {
    buffer_.resize(headroom + frame.size());
    std::ranges::copy(frame, buffer_.begin() + headroom);
    const auto parsed =
        parse_frame(frame.first(std::min(frame.size(), parsed_header_bytes)), frame.size(), ports_);
    ++counts.frames;
    auto outcome = TransitOutcome::passed;
    std::size_t moved = 0;
    if (parsed.traffic_class == TrafficClass::tagged) {
      const auto done = telemetry::push_hop({.memory = buffer_,
                                             .headroom = headroom,
                                             .frame_bytes = frame.size(),
                                             .l3_offset = parsed.l3_offset,
                                             .l4_offset = parsed.l4_offset},
                                            hop_, metadata_);
      outcome = done.outcome;
      moved = done.frame.front_moved;
    }
    ++counts.outcomes[static_cast<std::size_t>(outcome)];
    return std::span{buffer_}.subspan(headroom - moved);
  }

 private:
  OwnPorts ports_;
  telemetry::TransitHop hop_;
  HopMetadata metadata_;
  std::vector<std::byte> buffer_;
};

}  // namespace

tl::expected<std::vector<TransitedPort>, std::string> replay_transit(const GatewaySettings& settings,
                                                                     const std::vector<ReplayInput>& inputs,
                                                                     const HopMetadata& hop,
                                                                     const std::string& folder) {
  const std::uint64_t latency = hop.hop_latency == HopMetadata::unknown<std::uint32_t> ? 0 : hop.hop_latency;
  std::vector<TransitedPort> counts(settings.ports.size());
  for (const ReplayInput& input : inputs) {
    const PortSettings& port = settings.ports[input.port];
    auto reader = PcapReader::open(input.file);
    if (!reader) {
      return tl::unexpected(reader.error());
    }
    auto writer = PcapWriter::create((std::filesystem::path(folder) / (port.name + ".pcap")).string());
    if (!writer) {
      return tl::unexpected(writer.error());
    }
    Hop passed(settings, port, hop);
    while (true) {
      const auto frame = reader->next();
      if (!frame) {
        return tl::unexpected(frame.error());
      }
      const std::optional<CapturedFrame>& head = *frame;
      if (!head) {
        break;
      }
      writer->write(head->when_ns + latency, passed.pass(head->bytes, counts[input.port]));
    }
    if (auto written = writer->flush(); !written) {
      return tl::unexpected(written.error());
    }
  }
  return counts;
}

}  // namespace braidway::dataplane
