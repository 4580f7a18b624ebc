// Reports to collectors: the payload of a UDP datagram as of the P4.org Telemetry Report Format Specification
// 2.0 (2020-10-08). A group header, and individual reports of type 1 (INT) behind it, big-endian:
//
//   group       version(4)=2 hardware(6) sequence(22) | node(32)
//   each        type(4)=1 inner type(4) | length(8) | metadata length(8) | D Q F I rsv(4)
//               metadata bits(16) domain(16) | DS bits(16) DS status(16)
//               baseline metadata | domain-specific metadata | first bytes of the packet reported on
//
// Lengths are in 32-bit words: of all that follows an individual report's first word (ff: to the end of the
// payload), and of both kinds of metadata. The outer IP header has DF set (IPv4), as the specification wants.
//
// Works on bytes; pure; a reader's reports point into the payload. Owner of a writer, reader or stream: its
// maker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace braidway::telemetry {

inline constexpr std::size_t report_group_bytes = 8;
/// First word and INT header of an individual report.
inline constexpr std::size_t report_header_bytes = 12;

/// What the reports of one datagram have in common.
struct ReportGroup {
  std::uint8_t hardware = 0;   ///< 6 bits: which part of the node
  std::uint32_t sequence = 0;  ///< 22 bits: of the datagrams of this node and hardware to this collector
  std::uint32_t node = 0;
};

/// The numbering of the datagrams from one (node, hardware) to one collector.
class ReportStream {
 public:
  constexpr ReportStream(std::uint8_t hardware, std::uint32_t node) noexcept
      : next_{.hardware = hardware, .node = node} {}

  /// The header of the next datagram.
  constexpr ReportGroup next() noexcept {
    const ReportGroup group = next_;
    next_.sequence = (next_.sequence + 1) & 0x3f'ffffU;
    return group;
  }

 private:
  ReportGroup next_;
};

enum class InnerType : std::uint8_t { none, tlv, ds_extension, ethernet, ipv4, ipv6 };

/// Bits of ReportMetadata::present, as on the wire.
namespace report_bit {
inline constexpr std::uint16_t l1_interfaces = 0x4000;
inline constexpr std::uint16_t hop_latency = 0x2000;
inline constexpr std::uint16_t queue = 0x1000;
inline constexpr std::uint16_t ingress_time = 0x0800;
inline constexpr std::uint16_t egress_time = 0x0400;
inline constexpr std::uint16_t l2_interfaces = 0x0200;
inline constexpr std::uint16_t tx_utilization = 0x0100;
inline constexpr std::uint16_t buffer = 0x0080;
inline constexpr std::uint16_t drop = 0x0001;
}  // namespace report_bit

/// The reporting node's own baseline metadata. What is not present is 0.
struct ReportMetadata {
  std::uint16_t present = 0;
  std::uint16_t l1_ingress = 0;
  std::uint16_t l1_egress = 0;
  std::uint32_t hop_latency = 0;  ///< ns
  std::uint8_t queue = 0;
  std::uint32_t queue_occupancy = 0;  ///< 24 bits, the node's unit; more is written as the most there is
  std::uint64_t ingress_time = 0;     ///< ns
  std::uint64_t egress_time = 0;      ///< ns
  std::uint32_t l2_ingress = 0;
  std::uint32_t l2_egress = 0;
  std::uint32_t tx_utilization = 0;
  std::uint8_t buffer = 0;
  std::uint32_t buffer_occupancy = 0;  ///< 24 bits, likewise
  std::uint8_t drop_queue = 0;
  std::uint8_t drop_reason = 0;

  friend bool operator==(const ReportMetadata&, const ReportMetadata&) = default;
};

/// One individual report.
struct Report {
  InnerType inner_type = InnerType::none;
  bool dropped = false;       ///< D: the packet was dropped
  bool congested = false;     ///< Q: its queue is congested
  bool tracked_flow = false;  ///< F: its flow is watched
  bool intermediate = false;  ///< I: by a transit node
  ReportMetadata metadata{};
  std::uint16_t domain = 0;
  std::uint16_t ds_bits = 0;
  std::uint16_t ds_status = 0;
  std::span<const std::byte> ds{};     ///< domain-specific metadata, whole words, as on the wire
  std::span<const std::byte> inner{};  ///< the packet, from the header that inner_type names
};

/// Why a report is not written or not read. `none`: it is.
enum class ReportDefect : std::uint8_t {
  truncated_group,      ///< shorter than the group header
  bad_report_version,   ///< version is not 2
  truncated_report,     ///< ends inside an individual report's headers
  bad_report_type,      ///< not INT (1): packets alone (0) we do not send, and IOAM (2) has no format yet
  bad_inner_type,       ///< a number that stands for nothing
  bad_report_length,    ///< ends beyond the payload, or before its own metadata
  unknown_metadata,     ///< reserved metadata bits: what they stand for has no length
  bad_metadata_length,  ///< less than the metadata bits say; or more, and no domain-specific bits
  unexpected_inner,     ///< a packet, and its type is none
  bad_ds_length,        ///< domain-specific metadata of broken words or too many
  no_room_for_report,   ///< the datagram is full: send it and begin another
  none,
};
inline constexpr std::array<std::string_view, 11> report_defect_names{
    "truncated_group",  "bad_report_version", "truncated_report",  "bad_report_type",
    "bad_inner_type",   "bad_report_length",  "unknown_metadata",  "bad_metadata_length",
    "unexpected_inner", "bad_ds_length",      "no_room_for_report"};
static_assert(report_defect_names.size() == static_cast<std::size_t>(ReportDefect::none));

/// Writes one datagram's payload.
class ReportWriter {
 public:
  /// `inner_bytes`: so much of a packet goes into a report at most. The memory outlives the writer.
  ReportWriter(std::span<std::byte> memory, const ReportGroup& group, std::size_t inner_bytes = 128) noexcept;

  /// Adds a report; of its packet only whole words, for a report's length is in words. Where the answer is
  /// not none, nothing has been written.
  ReportDefect add(const Report& report) noexcept;

  /// What is to be sent.
  [[nodiscard]] std::span<const std::byte> payload() const noexcept { return memory_.first(used_); }
  [[nodiscard]] std::size_t reports() const noexcept { return reports_; }

 private:
  std::span<std::byte> memory_;
  std::size_t used_ = 0;
  std::size_t inner_bytes_;
  std::size_t reports_ = 0;
};

/// Reads one datagram's payload:
///   for (ReportReader reader(payload); reader.more();) { if (reader.next(report) == ReportDefect::none) ...
///   }
class ReportReader {
 public:
  explicit ReportReader(std::span<const std::byte> payload) noexcept;

  /// Of the group header: truncated_group, bad_report_version or none.
  [[nodiscard]] ReportDefect defect() const noexcept { return defect_; }
  [[nodiscard]] const ReportGroup& group() const noexcept { return group_; }

  [[nodiscard]] bool more() const noexcept { return !rest_.empty(); }
  /// Reads the next report. After a defect there are no more: where the next would begin is not known.
  ReportDefect next(Report& out) noexcept;

 private:
  ReportDefect read(Report& out) noexcept;

  std::span<const std::byte> rest_;
  ReportGroup group_;
  ReportDefect defect_ = ReportDefect::none;
};

}  // namespace braidway::telemetry
