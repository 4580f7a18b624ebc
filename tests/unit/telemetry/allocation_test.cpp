// Messages, sessions and reports take no memory once they are made.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <gtest/gtest.h>

#include "telemetry/message.hpp"
#include "telemetry/postcard.hpp"
#include "telemetry/report.hpp"
#include "telemetry/report_policy.hpp"
#include "telemetry/session.hpp"
#include "tests/unit/counting_new.hpp"

namespace braidway::telemetry {
namespace {

TEST(Allocation, TheCounterCounts) {
  const auto before = taken;
  // Through a volatile pointer, or the compiler leaves both out.
  int* volatile one = new int(1);
  delete one;
  EXPECT_EQ(taken, before + 1);
}

TEST(Allocation, MessagesTakeNoMemory) {
  constexpr lb::GatewayId here{1};
  constexpr lb::GatewayId there{2};
  const MessageKey key;
  Session sender(here, there, BootId{11});
  Session receiver(there, here, BootId{22});
  const std::array<PathRecord, 60> paths{};
  std::array<std::byte, most_message_bytes> memory{};
  Message message;
  std::uint8_t first = 0;
  std::array<std::uint64_t, verdict_names.size()> verdicts{};
  const auto before = taken;
  for (std::int64_t i = 0; i < 10'000; ++i) {
    const lb::Nanoseconds now{i * 100'000};
    if (i % 700 == 699) sender.begin_life(BootId{static_cast<std::uint64_t>(1'000 + i)}, now);
    const auto header = sender.next({.now = now, .path = lb::PathId{static_cast<std::uint8_t>(i)}});
    const auto written = write_feedback(header, 1, paths, first, key, memory);
    first = written.next;
    memory[60] ^= static_cast<std::byte>(i % 9 == 0 ? 1 : 0);
    if (read_message(std::span{memory}.first(written.bytes), key, there, message) != MessageDefect::none) {
      continue;
    }
    const auto got = receiver.receive(message, now);
    ++verdicts[static_cast<std::size_t>(got.verdict)];
    Message answer{
        .type = MessageType::probe, .header = receiver.answer(message, {.now = now}), .records = {}};
    sender.receive(answer, now);
    write_probe(answer.header, key, memory);
  }
  EXPECT_EQ(taken, before);
  EXPECT_GT(verdicts[static_cast<std::size_t>(Verdict::counts)], 5'000U);
  EXPECT_GT(verdicts[static_cast<std::size_t>(Verdict::second_boot)], 0U);
  EXPECT_GT(verdicts[static_cast<std::size_t>(Verdict::unknown_echo)], 0U);
}

TEST(Allocation, PostcardsTakeNoMemory) {
  const Watch watch = Watch(0xffff).to_qpn(lb::Qpn{1});
  Postcards postcards({&watch, 1}, {.postcards_per_second = 100'000});
  ReportStream stream(1, 2);
  std::array<std::byte, 1'400> memory{};
  const std::array<std::byte, 128> packet{};
  std::size_t written = 0;
  const auto before = taken;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const auto key = lb::rocev2_key(lb::ipv4(1), lb::ipv4(2), lb::Qpn{i % 2});
    const Watch* due = postcards.decide(key, lb::Nanoseconds{i * std::int64_t{1'000}});
    if (due == nullptr) continue;
    ReportWriter writer(memory, stream.next());
    const HopMetadata own{.hop_latency = i, .queue = i};
    written +=
        writer.add(postcards.postcard(*due, own, InnerType::ipv4, packet)) == ReportDefect::none ? 1 : 0;
  }
  EXPECT_EQ(taken, before);
  EXPECT_EQ(written, postcards.counters().postcards);
  EXPECT_GT(written, 1'000U);
  EXPECT_GT(postcards.counters().suppressed, 0U);
}

TEST(Allocation, ReportsTakeNoMemory) {
  ReportPolicy policy({.flows = 100, .heartbeat = lb::Nanoseconds{1'000'000}, .reports_per_second = 50'000});
  ReportStream stream(1, 2);
  std::array<std::byte, 1'400> memory{};
  const std::array<std::byte, 128> packet{};
  std::size_t read = 0;
  const auto before = taken;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const lb::Nanoseconds now{i * std::int64_t{10'000}};
    const auto key = lb::rocev2_key(lb::ipv4(1), lb::ipv4(2), lb::Qpn{i % 150});
    policy.decide(lb::hash(key, 1), key, {.path = lb::PathId{static_cast<std::uint8_t>(i % 7)}}, now);
    policy.sweep(now);
    ReportWriter writer(memory, stream.next());
    const Report report{.inner_type = InnerType::ipv4,
                        .metadata = {.present = report_bit::queue},
                        .ds_bits = 1,
                        .ds = std::span{packet}.first(4),
                        .inner = packet};
    while (writer.add(report) == ReportDefect::none) continue;
    Report got;
    for (ReportReader reader(writer.payload()); reader.more();) {
      read += reader.next(got) == ReportDefect::none ? 1 : 0;
    }
  }
  EXPECT_EQ(taken, before);
  EXPECT_EQ(read, 90'000U);
  EXPECT_GT(policy.counters().suppressed, 0U);
  EXPECT_GT(policy.counters().no_room, 0U);
}

}  // namespace
}  // namespace braidway::telemetry
