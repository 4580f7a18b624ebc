#include "telemetry/report.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/telemetry/hex.hpp"

namespace braidway::telemetry {
namespace {

using Bytes = std::vector<std::byte>;

/// INT over a CNP, and the report that carries its first 76 bytes.
Bytes golden_packet() {
  return bytes_of_hex(
      "45c2006c718c4000401191310a0011010a0012010000138d00580000140b12b720000406f00000000000000000000002000500"
      "06000005dc01000064000000010003000400000384000000078100ffff40000118000000000000000000000000000000000000"
      "000082fd002a");
}
Bytes golden_report() {
  return bytes_of_hex(
      "2040000500000003141702205000000000000000000700080100003745c2006c718c4000401191310a0011010a001201000013"
      "8d00580000140b12b720000406f0000000000000000000000200050006000005dc010000640000000100030004000003840000"
      "0007");
}

constexpr ReportGroup golden_group{.hardware = 1, .sequence = 5, .node = 3};

Report golden(const Bytes& packet) {
  return {.inner_type = InnerType::ipv4,
          .tracked_flow = true,
          .metadata = {.present = report_bit::l1_interfaces | report_bit::queue,
                       .l1_ingress = 7,
                       .l1_egress = 8,
                       .queue = 1,
                       .queue_occupancy = 0x37},
          .inner = packet};
}

Bytes copy(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

void expect_equal(const Report& got, const Report& want) {
  EXPECT_EQ(got.inner_type, want.inner_type);
  EXPECT_EQ(got.dropped, want.dropped);
  EXPECT_EQ(got.congested, want.congested);
  EXPECT_EQ(got.tracked_flow, want.tracked_flow);
  EXPECT_EQ(got.intermediate, want.intermediate);
  EXPECT_EQ(got.metadata, want.metadata);
  EXPECT_EQ(got.domain, want.domain);
  EXPECT_EQ(got.ds_bits, want.ds_bits);
  EXPECT_EQ(got.ds_status, want.ds_status);
  EXPECT_EQ(copy(got.ds), copy(want.ds));
  EXPECT_EQ(copy(got.inner), copy(want.inner));
}

TEST(Report, IsWrittenAsTheGoldenVector) {
  Bytes memory(1'500);
  const auto packet = golden_packet();
  ReportWriter writer(memory, golden_group, 76);
  EXPECT_EQ(writer.add(golden(packet)), ReportDefect::none);
  EXPECT_EQ(writer.reports(), 1U);
  EXPECT_EQ(copy(writer.payload()), golden_report());
}

TEST(Report, IsReadFromTheGoldenVector) {
  const auto bytes = golden_report();
  ReportReader reader(bytes);
  EXPECT_EQ(reader.defect(), ReportDefect::none);
  EXPECT_EQ(reader.group().hardware, 1U);
  EXPECT_EQ(reader.group().sequence, 5U);
  EXPECT_EQ(reader.group().node, 3U);
  ASSERT_TRUE(reader.more());
  Report report;
  ASSERT_EQ(reader.next(report), ReportDefect::none);
  auto packet = golden_packet();
  packet.resize(76);
  expect_equal(report, golden(packet));
  EXPECT_FALSE(reader.more());
}

TEST(Report, EveryFieldHasItsPlace) {
  Bytes memory(200);
  const auto ds = bytes_of_hex("1112131421222324");
  const Report report{.dropped = true,
                      .congested = true,
                      .intermediate = true,
                      .metadata = {.present = 0x7f81,
                                   .l1_ingress = 0x0102,
                                   .l1_egress = 0x0304,
                                   .hop_latency = 0x05060708,
                                   .queue = 0x09,
                                   .queue_occupancy = 0x0a0b0c,
                                   .ingress_time = 0x0d0e0f1011121314,
                                   .egress_time = 0x15161718191a1b1c,
                                   .l2_ingress = 0x1d1e1f20,
                                   .l2_egress = 0x21222324,
                                   .tx_utilization = 0x25262728,
                                   .buffer = 0x29,
                                   .buffer_occupancy = 0x2a2b2c,
                                   .drop_queue = 0x2d,
                                   .drop_reason = 0x2e},
                      .domain = 0x4257,
                      .ds_bits = 0x8000,
                      .ds_status = 0xabcd,
                      .ds = ds};
  ReportWriter writer(memory, {.hardware = 63, .sequence = 0x3fffff, .node = 0xfffffffe});
  ASSERT_EQ(writer.add(report), ReportDefect::none);
  EXPECT_EQ(copy(writer.payload()),
            bytes_of_hex("2ffffffffffffffe"
                         "10100ed07f8142578000abcd"
                         "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
                         "28292a2b2c2d2e0000"
                         "1112131421222324"));
  ReportReader reader(writer.payload());
  Report read;
  ASSERT_EQ(reader.next(read), ReportDefect::none);
  expect_equal(read, report);
}

TEST(Report, SeveralShareADatagramUntilItIsFull) {
  const auto packet = golden_packet();
  const auto report = golden(packet);
  const std::size_t each = report_header_bytes + 8 + packet.size();
  ASSERT_EQ(packet.size() % 4, 0U);
  Bytes memory(report_group_bytes + 3 * each + each - 1);
  ReportWriter writer(memory, golden_group);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(writer.add(report), ReportDefect::none);
  const auto full = copy(writer.payload());
  EXPECT_EQ(writer.add(report), ReportDefect::no_room_for_report);
  EXPECT_EQ(copy(writer.payload()), full) << "what does not fit leaves no trace";
  std::size_t read = 0;
  Report got;
  for (ReportReader reader(full); reader.more(); ++read) {
    ASSERT_EQ(reader.next(got), ReportDefect::none);
    expect_equal(got, report);
  }
  EXPECT_EQ(read, 3U);
}

TEST(Report, APacketIsCutToWholeWordsAndToWhatALengthCanSay) {
  struct Case {
    std::size_t packet;
    std::size_t limit;
    std::size_t carried;
  };
  for (const auto& [size, limit, carried] : std::vector<Case>{{0, 128, 0},
                                                              {3, 128, 0},
                                                              {14 + 61, 128, 72},
                                                              {1'500, 127, 124},
                                                              {1'500, 128, 128},
                                                              {1'500, 1'500, 255 * 4 - 12}}) {
    const Bytes packet(size, std::byte{0xee});
    Bytes memory(2'000);
    ReportWriter writer(memory, golden_group, limit);
    ASSERT_EQ(writer.add({.inner_type = InnerType::ethernet, .inner = packet}), ReportDefect::none);
    ReportReader reader(writer.payload());
    Report report;
    ASSERT_EQ(reader.next(report), ReportDefect::none);
    EXPECT_EQ(report.inner.size(), carried) << size << " bytes, at most " << limit;
    EXPECT_NE(std::to_integer<unsigned>(memory[9]), 0xffU);
  }
}

TEST(Report, ALengthOfAllOnesReachesToTheEnd) {
  auto bytes = golden_report();
  bytes[9] = std::byte{0xff};
  bytes.push_back(std::byte{0x55});
  ReportReader reader(bytes);
  Report report;
  ASSERT_EQ(reader.next(report), ReportDefect::none);
  EXPECT_EQ(report.inner.size(), 77U);
  EXPECT_FALSE(reader.more());
}

TEST(Report, TooLargeAnOccupancyIsTheLargest) {
  Bytes memory(100);
  ReportWriter writer(memory, golden_group);
  writer.add({.metadata = {.present = report_bit::queue, .queue = 2, .queue_occupancy = 0x1000000}});
  EXPECT_EQ(copy(writer.payload().last(4)), bytes_of_hex("02ffffff"));
}

TEST(Report, DatagramsAreNumberedByTwentyTwoBits) {
  ReportStream stream(5, 77);
  EXPECT_EQ(stream.next().sequence, 0U);
  for (std::uint32_t i = 1; i < 0x3f'ffff; ++i) stream.next();
  const auto last = stream.next();
  EXPECT_EQ(last.sequence, 0x3f'ffffU);
  EXPECT_EQ(last.hardware, 5U);
  EXPECT_EQ(last.node, 77U);
  EXPECT_EQ(stream.next().sequence, 0U);
}

TEST(Report, EveryDefectOfAPayloadHasItsName) {
  struct Case {
    const char* what;
    std::function<void(Bytes&)> change;
    ReportDefect defect;
  };
  const auto set = [](std::size_t at, unsigned to) {
    return [=](Bytes& bytes) { bytes[at] = static_cast<std::byte>(to); };
  };
  const auto resize = [](std::size_t to) { return [=](Bytes& bytes) { bytes.resize(to); }; };
  const std::vector<Case> cases{
      {"nothing changed", [](Bytes&) {}, ReportDefect::none},
      {"nothing", resize(0), ReportDefect::truncated_group},
      {"seven bytes", resize(7), ReportDefect::truncated_group},
      {"version 1", set(0, 0x10), ReportDefect::bad_report_version},
      {"ends in the report's headers", resize(19), ReportDefect::truncated_report},
      {"ends after the first word", resize(12), ReportDefect::truncated_report},
      {"a packet alone", set(8, 0x04), ReportDefect::bad_report_type},
      {"IOAM", set(8, 0x24), ReportDefect::bad_report_type},
      {"inner type 6", set(8, 0x16), ReportDefect::bad_inner_type},
      {"a word longer than the payload", set(9, 0x18), ReportDefect::bad_report_length},
      {"a byte shorter than said", [](Bytes& bytes) { bytes.pop_back(); }, ReportDefect::bad_report_length},
      {"shorter than its headers", set(9, 1), ReportDefect::bad_report_length},
      {"shorter than its metadata", set(9, 3), ReportDefect::bad_report_length},
      {"metadata beyond the report", set(10, 0x16), ReportDefect::bad_report_length},
      {"bit 0", set(12, 0xd0), ReportDefect::unknown_metadata},
      {"bit 9", set(13, 0x40), ReportDefect::unknown_metadata},
      {"bit 14", set(13, 0x02), ReportDefect::unknown_metadata},
      {"less metadata than bits", set(10, 1), ReportDefect::bad_metadata_length},
      {"more metadata than bits", set(10, 3), ReportDefect::bad_metadata_length},
      {"a packet of no type", set(8, 0x10), ReportDefect::unexpected_inner},
  };
  std::set<ReportDefect> seen;
  for (const auto& each : cases) {
    auto bytes = golden_report();
    each.change(bytes);
    ReportReader reader(bytes);
    ReportDefect defect = reader.defect();
    if (defect == ReportDefect::none) {
      Report report;
      defect = reader.next(report);
    }
    EXPECT_EQ(defect, each.defect) << each.what;
    EXPECT_FALSE(reader.more()) << each.what << ": what follows a defect cannot be found";
    seen.insert(defect);
  }
  EXPECT_EQ(seen.size(), report_defect_names.size() - 1) << "all but the writer's two, and none";
}

TEST(Report, WhatCannotBeSaidIsNotWritten) {
  const auto packet = golden_packet();
  const Bytes ragged(6);
  const Bytes long_ds(std::size_t{256} * 4);
  const Bytes word(4);
  struct Case {
    Report report;
    ReportDefect defect;
  };
  const std::vector<Case> cases{
      {{.inner = packet}, ReportDefect::unexpected_inner},
      {{.inner_type = InnerType{6}, .inner = packet}, ReportDefect::bad_inner_type},
      {{.metadata = {.present = 0x8000}}, ReportDefect::unknown_metadata},
      {{.ds_bits = 1, .ds = ragged}, ReportDefect::bad_ds_length},
      {{.ds_bits = 1, .ds = long_ds}, ReportDefect::bad_ds_length},
      {{.ds_bits = 0, .ds = word}, ReportDefect::bad_metadata_length},
  };
  Bytes memory(3'000);
  for (const auto& each : cases) {
    ReportWriter writer(memory, golden_group);
    EXPECT_EQ(writer.add(each.report), each.defect);
    EXPECT_EQ(writer.payload().size(), report_group_bytes);
  }
  ReportWriter no_group(std::span{memory}.first(7), golden_group);
  EXPECT_EQ(no_group.add({}), ReportDefect::no_room_for_report);
  EXPECT_TRUE(no_group.payload().empty());
}

RC_GTEST_PROP(ReportProperty, WhatIsWrittenIsRead, ()) {
  Bytes memory(1'400);
  ReportWriter writer(memory, golden_group);
  std::vector<Bytes> kept;
  kept.reserve(100);
  std::vector<Report> written;
  const auto count = *rc::gen::inRange(0, 30);
  for (int i = 0; i < count; ++i) {
    const auto bytes = [&](std::size_t words) {
      kept.push_back(Bytes(4 * words, static_cast<std::byte>(*rc::gen::arbitrary<std::uint8_t>())));
      return std::span<const std::byte>{kept.back()};
    };
    Report report{
        .inner_type = static_cast<InnerType>(*rc::gen::inRange(1, 6)),
        .dropped = *rc::gen::arbitrary<bool>(),
        .metadata = {.present = static_cast<std::uint16_t>(*rc::gen::arbitrary<std::uint16_t>() & 0x7f81U)},
        .ds_bits = 1,
        .ds = bytes(*rc::gen::inRange<std::size_t>(0, 4)),
        .inner = bytes(*rc::gen::inRange<std::size_t>(0, 32))};
    if ((report.metadata.present & report_bit::egress_time) != 0) {
      report.metadata.egress_time = *rc::gen::arbitrary<std::uint64_t>();
    }
    if (writer.add(report) == ReportDefect::none) written.push_back(report);
  }
  ReportReader reader(writer.payload());
  for (const auto& want : written) {
    Report got;
    RC_ASSERT(reader.next(got) == ReportDefect::none);
    RC_ASSERT(got.metadata == want.metadata);
    RC_ASSERT(got.dropped == want.dropped && got.inner_type == want.inner_type);
    RC_ASSERT(copy(got.ds) == copy(want.ds));
    RC_ASSERT(copy(got.inner) == copy(want.inner));
  }
  RC_ASSERT(!reader.more());
}

}  // namespace
}  // namespace braidway::telemetry
