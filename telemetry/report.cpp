#include "telemetry/report.hpp"

#include <algorithm>

#include "telemetry/big_endian.hpp"

namespace braidway::telemetry {
namespace {

constexpr std::uint32_t version = 2;
constexpr std::uint8_t int_report = 1;
constexpr std::size_t word = 4;
constexpr std::size_t to_the_end = 0xff;
constexpr std::size_t most_words = to_the_end - 1;
constexpr std::uint32_t most_occupancy = 0xff'ffff;

constexpr std::uint8_t dropped = 0x80;
constexpr std::uint8_t congested = 0x40;
constexpr std::uint8_t tracked_flow = 0x20;
constexpr std::uint8_t intermediate = 0x10;

struct Field {
  std::uint16_t bit;
  std::size_t bytes;
};
/// In the order in which they stand.
constexpr std::array<Field, 9> fields{{{report_bit::l1_interfaces, 4},
                                       {report_bit::hop_latency, 4},
                                       {report_bit::queue, 4},
                                       {report_bit::ingress_time, 8},
                                       {report_bit::egress_time, 8},
                                       {report_bit::l2_interfaces, 8},
                                       {report_bit::tx_utilization, 4},
                                       {report_bit::buffer, 4},
                                       {report_bit::drop, 4}}};

constexpr std::uint16_t known_bits() noexcept {
  unsigned bits = 0;
  for (const Field& field : fields) bits |= field.bit;
  return static_cast<std::uint16_t>(bits);
}

std::size_t baseline_bytes(std::uint16_t present) noexcept {
  std::size_t bytes = 0;
  for (const Field& field : fields) bytes += (present & field.bit) != 0 ? field.bytes : 0;
  return bytes;
}

std::uint8_t load8(const std::byte* from) noexcept { return std::to_integer<std::uint8_t>(*from); }

std::uint32_t tagged(std::uint8_t id, std::uint32_t occupancy) noexcept {
  return std::uint32_t{id} << 24 | std::min(occupancy, most_occupancy);
}

void write_field(std::uint16_t bit, const ReportMetadata& metadata, std::byte* to) noexcept {
  switch (bit) {
    case report_bit::l1_interfaces:
      store_be16(to, metadata.l1_ingress);
      return store_be16(to + 2, metadata.l1_egress);
    case report_bit::hop_latency:
      return store_be32(to, metadata.hop_latency);
    case report_bit::queue:
      return store_be32(to, tagged(metadata.queue, metadata.queue_occupancy));
    case report_bit::ingress_time:
      return store_be64(to, metadata.ingress_time);
    case report_bit::egress_time:
      return store_be64(to, metadata.egress_time);
    case report_bit::l2_interfaces:
      store_be32(to, metadata.l2_ingress);
      return store_be32(to + 4, metadata.l2_egress);
    case report_bit::tx_utilization:
      return store_be32(to, metadata.tx_utilization);
    case report_bit::buffer:
      return store_be32(to, tagged(metadata.buffer, metadata.buffer_occupancy));
    default:  // drop
      return store_be32(to,
                        std::uint32_t{metadata.drop_queue} << 24 | std::uint32_t{metadata.drop_reason} << 16);
  }
}

void read_field(std::uint16_t bit, const std::byte* from, ReportMetadata& metadata) noexcept {
  switch (bit) {
    case report_bit::l1_interfaces:
      metadata.l1_ingress = load_be16(from);
      metadata.l1_egress = load_be16(from + 2);
      return;
    case report_bit::hop_latency:
      metadata.hop_latency = load_be32(from);
      return;
    case report_bit::queue:
      metadata.queue = load8(from);
      metadata.queue_occupancy = load_be32(from) & most_occupancy;
      return;
    case report_bit::ingress_time:
      metadata.ingress_time = load_be64(from);
      return;
    case report_bit::egress_time:
      metadata.egress_time = load_be64(from);
      return;
    case report_bit::l2_interfaces:
      metadata.l2_ingress = load_be32(from);
      metadata.l2_egress = load_be32(from + 4);
      return;
    case report_bit::tx_utilization:
      metadata.tx_utilization = load_be32(from);
      return;
    case report_bit::buffer:
      metadata.buffer = load8(from);
      metadata.buffer_occupancy = load_be32(from) & most_occupancy;
      return;
    default:  // drop
      metadata.drop_queue = load8(from);
      metadata.drop_reason = load8(from + 1);
  }
}

}  // namespace

ReportWriter::ReportWriter(std::span<std::byte> memory, const ReportGroup& group,
                           std::size_t inner_bytes) noexcept
    : memory_(memory), inner_bytes_(inner_bytes) {
  if (memory.size() < report_group_bytes) return;
  store_be32(memory.data(), version << 28 | (group.hardware & 0x3fU) << 22 | (group.sequence & 0x3f'ffffU));
  store_be32(memory.data() + 4, group.node);
  used_ = report_group_bytes;
}

ReportDefect ReportWriter::add(const Report& report) noexcept {
  if (used_ == 0) return ReportDefect::no_room_for_report;
  if (report.inner_type > InnerType::ipv6) return ReportDefect::bad_inner_type;
  if (report.inner_type == InnerType::none && !report.inner.empty()) return ReportDefect::unexpected_inner;
  if ((report.metadata.present & ~known_bits()) != 0) return ReportDefect::unknown_metadata;
  const std::size_t metadata_bytes = baseline_bytes(report.metadata.present) + report.ds.size();
  const std::size_t fixed = report_header_bytes + metadata_bytes;
  if (report.ds.size() % word != 0 || fixed > (most_words + 1) * word) return ReportDefect::bad_ds_length;
  if (report.ds_bits == 0 && !report.ds.empty()) return ReportDefect::bad_metadata_length;
  const std::size_t inner_bytes =
      std::min({report.inner.size(), inner_bytes_, (most_words + 1) * word - fixed}) / word * word;
  const std::size_t bytes = fixed + inner_bytes;
  if (bytes > memory_.size() - used_) return ReportDefect::no_room_for_report;

  std::byte* to = memory_.data() + used_;
  to[0] = static_cast<std::byte>(int_report << 4 | static_cast<unsigned>(report.inner_type));
  to[1] = static_cast<std::byte>(bytes / word - 1);
  to[2] = static_cast<std::byte>(metadata_bytes / word);
  to[3] = static_cast<std::byte>((report.dropped ? dropped : 0) | (report.congested ? congested : 0) |
                                 (report.tracked_flow ? tracked_flow : 0) |
                                 (report.intermediate ? intermediate : 0));
  store_be16(to + 4, report.metadata.present);
  store_be16(to + 6, report.domain);
  store_be16(to + 8, report.ds_bits);
  store_be16(to + 10, report.ds_status);
  to += report_header_bytes;
  for (const Field& field : fields) {
    if ((report.metadata.present & field.bit) == 0) continue;
    write_field(field.bit, report.metadata, to);
    to += field.bytes;
  }
  to = std::ranges::copy(report.ds, to).out;
  std::ranges::copy(report.inner.first(inner_bytes), to);
  used_ += bytes;
  ++reports_;
  return ReportDefect::none;
}

ReportReader::ReportReader(std::span<const std::byte> payload) noexcept {
  if (payload.size() < report_group_bytes) {
    defect_ = ReportDefect::truncated_group;
    return;
  }
  const std::uint32_t first = load_be32(payload.data());
  if (first >> 28 != version) {
    defect_ = ReportDefect::bad_report_version;
    return;
  }
  group_ = {.hardware = static_cast<std::uint8_t>(first >> 22 & 0x3fU),
            .sequence = first & 0x3f'ffffU,
            .node = load_be32(payload.data() + 4)};
  rest_ = payload.subspan(report_group_bytes);
}

ReportDefect ReportReader::next(Report& out) noexcept {
  const ReportDefect defect = read(out);
  if (defect != ReportDefect::none) rest_ = {};
  return defect;
}

ReportDefect ReportReader::read(Report& out) noexcept {
  if (rest_.size() < report_header_bytes) return ReportDefect::truncated_report;
  const std::byte* from = rest_.data();
  if (load8(from) >> 4 != int_report) return ReportDefect::bad_report_type;
  const auto inner_type = InnerType{static_cast<std::uint8_t>(load8(from) & 0x0fU)};
  if (inner_type > InnerType::ipv6) return ReportDefect::bad_inner_type;
  const std::size_t length = load8(from + 1);
  const std::size_t bytes = length == to_the_end ? rest_.size() : (length + 1) * word;
  const std::size_t metadata_bytes = load8(from + 2) * word;
  if (bytes > rest_.size() || bytes < report_header_bytes + metadata_bytes) {
    return ReportDefect::bad_report_length;
  }
  const std::uint8_t flags = load8(from + 3);
  const std::uint16_t present = load_be16(from + 4);
  if ((present & ~known_bits()) != 0) return ReportDefect::unknown_metadata;
  const std::size_t baseline = baseline_bytes(present);
  const std::uint16_t ds_bits = load_be16(from + 8);
  if (metadata_bytes < baseline || (metadata_bytes > baseline && ds_bits == 0)) {
    return ReportDefect::bad_metadata_length;
  }
  const auto body = rest_.first(bytes).subspan(report_header_bytes);
  const auto inner = body.subspan(metadata_bytes);
  if (inner_type == InnerType::none && !inner.empty()) return ReportDefect::unexpected_inner;

  out = {.inner_type = inner_type,
         .dropped = (flags & dropped) != 0,
         .congested = (flags & congested) != 0,
         .tracked_flow = (flags & tracked_flow) != 0,
         .intermediate = (flags & intermediate) != 0,
         .metadata = {.present = present},
         .domain = load_be16(from + 6),
         .ds_bits = ds_bits,
         .ds_status = load_be16(from + 10),
         .ds = body.first(metadata_bytes).subspan(baseline),
         .inner = inner};
  const std::byte* at = body.data();
  for (const Field& field : fields) {
    if ((present & field.bit) == 0) continue;
    read_field(field.bit, at, out.metadata);
    at += field.bytes;
  }
  rest_ = rest_.subspan(bytes);
  return ReportDefect::none;
}

}  // namespace braidway::telemetry
