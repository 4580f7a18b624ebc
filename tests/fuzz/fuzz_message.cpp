// libFuzzer over what comes from other gateways, and over reports: any bytes are refused by a name, or read
// as what can be written and read again; and a postcard on any packet is a report that can be read. Once as
// they are, and once with the length and the authenticator made right, or nothing would ever get past it.
// Bytes lie in a heap block of their own size.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "telemetry/big_endian.hpp"
#include "telemetry/message.hpp"
#include "telemetry/postcard.hpp"
#include "telemetry/report.hpp"
#include "telemetry/session.hpp"
#include "tests/fuzz/require.hpp"

namespace braidway::tests {
namespace {

using namespace telemetry;
using Bytes = std::vector<std::byte>;

constexpr MessageKey key{};
constexpr lb::GatewayId self{7};

bool same(const MessageHeader& a, const MessageHeader& b) {
  return a.sender == b.sender && a.receiver == b.receiver && a.sender_boot == b.sender_boot &&
         a.receiver_boot == b.receiver_boot && a.sequence == b.sequence && a.sent == b.sent &&
         a.generation == b.generation && a.path == b.path && a.lane == b.lane &&
         a.blocked_strand == b.blocked_strand;
}

/// What the message says, written by us, is read as the same.
void check_rewriting(const Message& message) {
  std::array<std::byte, most_message_bytes> memory{};
  std::vector<PathRecord> paths(message.announced);
  for (std::size_t i = 0; i < message.count; ++i) paths[value(message.path_of(i))] = message.records[i];
  const std::size_t bytes =
      message.type == MessageType::probe
          ? write_probe(message.header, key, memory)
          : write_feedback(message.header, message.capabilities, paths, message.first, key, memory).bytes;
  const Bytes written(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(bytes));
  Message again;
  require(read_message(written, key, self, again) == MessageDefect::none, "what is read can be written");
  require(again.type == message.type && same(again.header, message.header), "the header survives");
  require(again.capabilities == message.capabilities && again.announced == message.announced &&
              again.first == message.first && again.count >= message.count,
          "the body survives");
  for (std::size_t i = 0; i < message.count; ++i) {
    require(again.path_of(i) == message.path_of(i) && again.records[i] == message.records[i],
            "the records survive");
  }
}

void check_session(const Message& message) {
  const auto other = other_end({message.header.sender, message.header.receiver}, self);
  Session session(self, other, message.header.receiver_boot);
  const auto got = session.receive(message, lb::Nanoseconds{5});
  if (message.header.sender != self) {
    require(got.verdict == Verdict::counts && got.first_contact, "the first of a peer counts");
    require(session.blocked(message.header.path) == message.header.blocked_strand, "the flag is kept");
    require(session.receive(message, lb::Nanoseconds{6}).verdict == Verdict::repeated, "it counts once");
  } else {
    require(got.verdict != Verdict::counts, "our own does not count");
  }
}

void check_message(const Bytes& bytes, bool sealed) {
  MessageEnds ends;
  const auto form = check_form(bytes, ends);
  Message message;
  const auto defect = read_message(bytes, key, self, message);
  require(defect <= MessageDefect::none, "a reason with a name");
  require(form == MessageDefect::none || form == defect, "the form comes first");
  require(!sealed || defect != MessageDefect::bad_authenticator, "whoever has the key is authentic");
  if (defect != MessageDefect::none) return;
  require(message.header.sender == self || message.header.receiver == self, "between us and another");
  require(message.header.sequence != 0 && message.header.sender_boot != unknown_boot, "numbered");
  require(message.announced <= lb::max_paths_per_peer && message.count <= message.announced &&
              message.count <= most_records,
          "no more records than paths and room");
  for (std::size_t i = 0; i < message.count; ++i) {
    require(value(message.path_of(i)) < message.announced, "a record's path exists");
  }
  check_rewriting(message);
  check_session(message);
}

void check_reports(const Bytes& bytes) {
  ReportReader reader(bytes);
  require(reader.defect() == ReportDefect::none || !reader.more(), "nothing behind a bad group");
  std::vector<std::byte> memory(1'100);
  while (reader.more()) {
    Report report;
    const auto defect = reader.next(report);
    require(defect <= ReportDefect::none, "a reason with a name");
    if (defect != ReportDefect::none) {
      require(!reader.more(), "nothing behind a defect");
      return;
    }
    require(report.inner.empty() || report.inner_type != InnerType::none, "a packet has a type");
    // Only a length of all ones, which the writer does not use, can tell of more.
    if (report.ds.size() > 900) continue;
    ReportWriter writer(memory, reader.group(), memory.size());
    require(writer.add(report) == ReportDefect::none, "what is read can be written");
    ReportReader reading_again(writer.payload());
    Report again;
    require(reading_again.next(again) == ReportDefect::none, "and read");
    require(again.metadata == report.metadata && again.ds.size() == report.ds.size() &&
                again.inner.size() <= report.inner.size(),
            "as the same");
  }
}

/// The node's metadata out of the first bytes, the packet out of the rest.
void check_postcard(const Bytes& bytes) {
  constexpr std::size_t metadata_bytes = 48;
  if (bytes.size() < metadata_bytes) return;
  const std::byte* at = bytes.data();
  const HopMetadata own{.level1_ingress = load_be16(at),
                        .level1_egress = load_be16(at + 2),
                        .hop_latency = load_be32(at + 4),
                        .queue = load_be32(at + 8),
                        .ingress_time = load_be64(at + 12),
                        .egress_time = load_be64(at + 20),
                        .level2_ingress = load_be32(at + 28),
                        .level2_egress = load_be32(at + 32),
                        .egress_utilisation = load_be32(at + 36),
                        .buffer = load_be32(at + 40)};
  const Watch watch(load_be16(at + 44));
  const auto type = InnerType{static_cast<std::uint8_t>(1U + load_be16(at + 46) % 5U)};
  const auto packet = std::span{bytes}.subspan(metadata_bytes);
  const Postcards postcards({&watch, 1}, {});
  const Report report = postcards.postcard(watch, own, type, packet);
  std::vector<std::byte> memory(1'100);
  ReportWriter writer(memory, {}, memory.size());
  require(writer.add(report) == ReportDefect::none, "a postcard can be written");
  ReportReader reader(writer.payload());
  Report again;
  require(reader.next(again) == ReportDefect::none && !reader.more(), "and read");
  require(again.metadata == report.metadata && again.congested == report.congested &&
              again.inner.size() <= packet.size(),
          "as the same");
}

}  // namespace
}  // namespace braidway::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace braidway;
  const auto* from = reinterpret_cast<const std::byte*>(data);
  tests::Bytes bytes(from, from + size);
  tests::check_message(bytes, false);
  tests::check_reports(bytes);
  tests::check_postcard(bytes);
  if (size >= telemetry::probe_bytes) {
    telemetry::store_be16(&bytes[2], static_cast<std::uint16_t>(size));
    const auto covered = std::span{bytes}.first(size - telemetry::authenticator_bytes);
    const auto code = telemetry::authenticator(covered, tests::key);
    std::copy(code.begin(), code.end(), bytes.end() - telemetry::authenticator_bytes);
    tests::check_message(bytes, true);
  }
  return 0;
}
