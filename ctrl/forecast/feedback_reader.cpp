#include "ctrl/forecast/feedback_reader.hpp"

#include <algorithm>

namespace braidway::ctrl::forecast {
namespace {

constexpr double framing_bytes = 38;
constexpr double enough_packets = 4'096;

float delay_of(std::uint32_t ns) noexcept {
  return ns == telemetry::not_measured ? -1.0F : static_cast<float>(ns);
}

}  // namespace

/// Bytes on the wire.
std::uint64_t FeedbackReader::came(Path& path, const telemetry::PathRecord& record) noexcept {
  const bool goes_on = path.known && record.bytes >= path.bytes;
  const std::uint64_t bytes = goes_on ? record.bytes - path.bytes : 0;
  if (goes_on) path.recent_bytes += static_cast<double>(bytes);
  path.bytes = record.bytes;
  if (record.counted) {
    // The count of packets wraps.
    if (goes_on) path.recent_packets += static_cast<std::uint32_t>(record.packets - path.packets);
    path.packets = record.packets;
  }
  path.known = true;
  if (path.recent_packets > enough_packets) {
    path.recent_packets /= 2;
    path.recent_bytes /= 2;
  }
  if (!(path.recent_bytes > 0)) return bytes;
  // No packet is shorter than the shortest that bears a tag.
  constexpr double least_packet_bytes = 60;
  const double a_packet =
      std::max(path.recent_bytes / std::max(path.recent_packets, 1.0), least_packet_bytes);
  return static_cast<std::uint64_t>(static_cast<double>(bytes) * (1 + framing_bytes / a_packet));
}

std::span<model::LoadBins::Heard> FeedbackReader::read(const telemetry::Message& feedback) noexcept {
  if (feedback.header.sender_boot != boot_) {
    boot_ = feedback.header.sender_boot;
    std::ranges::fill(paths_, Path{});
  }
  std::ranges::fill(heard_, model::LoadBins::Heard{.told = false});
  for (std::size_t i = 0; i < feedback.count; ++i) {
    const std::size_t at = lb::value(feedback.path_of(i));
    if (at >= paths_.size()) continue;  // the peer thinks that we have more
    const telemetry::PathRecord& record = feedback.records[i];
    heard_[at] = {.bytes = came(paths_[at], record),
                  .least_delay_ns = delay_of(record.least_delay),
                  .mean_delay_ns = delay_of(record.mean_delay),
                  .utilisation = telemetry::share_of_capacity(record.utilisation).value_or(-1.0F),
                  .told = true};
  }
  return heard_;
}

}  // namespace braidway::ctrl::forecast
