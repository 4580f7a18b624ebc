#include "telemetry/message.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "lb/alternate_marking.hpp"
#include "telemetry/big_endian.hpp"
#include "telemetry/path_receipt.hpp"
#include "tests/unit/telemetry/message_vectors.hpp"

namespace braidway::telemetry {
namespace {

using Bytes = std::vector<std::byte>;

constexpr lb::GatewayId seven{7};
constexpr lb::GatewayId nine{9};

const PathRecord one_heard{.heard = true,
                           .fifo_lost = true,
                           .counted = true,
                           .period = 0xfffe,
                           .packets = 0xfffffffd,
                           .bytes = 0x1'0000'0002,
                           .ce_marked = 3,
                           .late = 4,
                           .least_delay = 5,
                           .mean_delay = 6,
                           .most_delay = 7,
                           .utilisation = 127,
                           .deepest_queue = 8,
                           .longest_hold = 9};

const MessageHeader probe_header{.sender = seven,
                                 .receiver = nine,
                                 .sender_boot = BootId{0x1122334455667788},
                                 .sequence = 1,
                                 .sent = lb::Nanoseconds{1'000'000'000},
                                 .generation = 0x203,
                                 .path = lb::PathId{5},
                                 .lane = lb::Lane{3},
                                 .blocked_strand = true};
const MessageHeader feedback_header{.sender = nine,
                                    .receiver = seven,
                                    .sender_boot = BootId{0xa1a2a3a4a5a6a7a8},
                                    .receiver_boot = BootId{0x1122334455667788},
                                    .sequence = 0x1'0000'00ff,
                                    .sent = lb::Nanoseconds{0x0123456789abcdef},
                                    .generation = 1};

void expect_equal(const MessageHeader& got, const MessageHeader& want) {
  EXPECT_EQ(got.sender, want.sender);
  EXPECT_EQ(got.receiver, want.receiver);
  EXPECT_EQ(got.sender_boot, want.sender_boot);
  EXPECT_EQ(got.receiver_boot, want.receiver_boot);
  EXPECT_EQ(got.sequence, want.sequence);
  EXPECT_EQ(got.sent, want.sent);
  EXPECT_EQ(got.generation, want.generation);
  EXPECT_EQ(got.path, want.path);
  EXPECT_EQ(got.lane, want.lane);
  EXPECT_EQ(got.blocked_strand, want.blocked_strand);
}

struct Buffer {
  std::array<std::byte, most_message_bytes> bytes{};

  [[nodiscard]] Bytes first(std::size_t count) const {
    return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)};
  }
};

TEST(Message, IsAuthenticatedByTheSipHashOfItsPaper) {
  MessageKey key;
  std::iota(key.bytes.begin(), key.bytes.end(), std::uint8_t{0});
  Bytes bytes(15);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  // a129ca6149be45e5, least significant byte first.
  EXPECT_EQ(load_be64(authenticator(bytes, key).data()), 0xe545be4961ca29a1U);
}

TEST(Message, AProbeIsWrittenAndReadAsTheVectorSays) {
  const auto vector = message_vector("probe");
  Buffer out;
  EXPECT_EQ(out.first(write_probe(probe_header, vector.key, out.bytes)), vector.bytes);
  Message message;
  message.count = 7;  // what a message read before has left
  ASSERT_EQ(read_message(vector.bytes, vector.key, nine, message), MessageDefect::none);
  EXPECT_EQ(message.type, MessageType::probe);
  expect_equal(message.header, probe_header);
  EXPECT_EQ(message.count, 0U);
  EXPECT_EQ(message.announced, 0U);
}

TEST(Message, AFeedbackIsWrittenAndReadAsTheVectorSays) {
  const auto vector = message_vector("feedback");
  Message message;
  ASSERT_EQ(read_message(vector.bytes, vector.key, seven, message), MessageDefect::none);
  EXPECT_EQ(message.type, MessageType::feedback);
  expect_equal(message.header, feedback_header);
  EXPECT_EQ(message.capabilities, capability::restores_order | capability::reads_tunnels);
  EXPECT_EQ(message.announced, 3U);
  ASSERT_EQ(message.count, 2U);
  EXPECT_EQ(message.path_of(0), lb::PathId{2});
  EXPECT_EQ(message.records[0], one_heard);
  EXPECT_EQ(message.path_of(1), lb::PathId{0});
  EXPECT_EQ(message.records[1], PathRecord{});

  // The writer has room for all three: the vector's third is what comes after its two.
  const std::vector<PathRecord> paths{{}, one_heard, one_heard};
  Buffer out;
  const auto written = write_feedback(feedback_header, message.capabilities, paths, 2, vector.key, out.bytes);
  ASSERT_EQ(written.bytes, vector.bytes.size() + record_bytes);
  EXPECT_EQ(written.next, 2U);
  Bytes shortened = out.first(vector.bytes.size() - authenticator_bytes);
  store_be16(&shortened[2], static_cast<std::uint16_t>(vector.bytes.size()));
  shortened[48] = std::byte{2};
  shortened.resize(vector.bytes.size());
  seal(shortened, vector.key);
  EXPECT_EQ(shortened, vector.bytes);
}

TEST(Message, AFeedbackMayHaveNoRecords) {
  const auto vector = message_vector("feedback-without-records");
  Message message;
  ASSERT_EQ(read_message(vector.bytes, vector.key, seven, message), MessageDefect::none);
  EXPECT_EQ(message.count, 0U);
  EXPECT_EQ(message.announced, 0U);
  EXPECT_EQ(message.header.sequence, ~std::uint64_t{0});
  Buffer out;
  const auto written = write_feedback(message.header, message.capabilities, {}, 200, vector.key, out.bytes);
  EXPECT_EQ(out.first(written.bytes), vector.bytes);
  EXPECT_EQ(written.next, 0U);
}

TEST(Message, EveryDefectHasItsName) {
  const auto set = [](std::size_t at, unsigned to) {
    return [=](Bytes& message) { message[at] = static_cast<std::byte>(to); };
  };
  const auto resize = [](std::size_t to, bool say_so) {
    return [=](Bytes& message) {
      message.resize(to);
      if (say_so) store_be16(&message[2], static_cast<std::uint16_t>(to));
    };
  };
  struct Case {
    const char* what;
    const char* vector;
    std::function<void(Bytes&)> change;
    MessageDefect defect;
  };
  const std::vector<Case> cases{
      {"nothing changed", "feedback", [](Bytes&) {}, MessageDefect::none},
      {"a byte short of a probe", "probe", resize(51, true), MessageDefect::truncated_message},
      {"1201 bytes", "feedback", resize(1201, true), MessageDefect::message_too_long},
      {"version 0", "probe", set(0, 0), MessageDefect::bad_message_version},
      {"version 2", "probe", set(0, 2), MessageDefect::bad_message_version},
      {"type 0", "probe", set(1, 0), MessageDefect::bad_message_type},
      {"type 3", "probe", set(1, 3), MessageDefect::bad_message_type},
      {"a length one too small", "probe", set(3, 51), MessageDefect::bad_message_length},
      {"a length one too large", "probe", set(3, 53), MessageDefect::bad_message_length},
      {"from 9 to another", "feedback", set(7, 8), MessageDefect::message_for_another},
      {"without a sender's boot", "probe", [](Bytes& m) { store_be64(&m[8], 0); },
       MessageDefect::no_sender_boot},
      {"sequence 0", "probe", [](Bytes& m) { store_be64(&m[24], 0); }, MessageDefect::no_sequence},
      {"a probe with a byte of body", "probe", resize(53, true), MessageDefect::bad_probe_length},
      {"a feedback as long as a probe", "probe", set(1, 2), MessageDefect::truncated_feedback},
      {"a feedback a byte short", "feedback", resize(59, true), MessageDefect::truncated_feedback},
      {"a record more than there is", "feedback", set(48, 3), MessageDefect::bad_record_count},
      {"a record less than there is", "feedback", set(48, 1), MessageDefect::bad_record_count},
      {"a byte between records and authenticator", "feedback", resize(149, true),
       MessageDefect::bad_record_count},
      {"257 paths", "feedback", [](Bytes& m) { store_be16(&m[50], 257); }, MessageDefect::too_many_paths},
      {"two records of one path", "feedback", [](Bytes& m) { store_be16(&m[50], 1); },
       MessageDefect::records_beyond_paths},
      {"from path 3 of three on", "feedback", set(49, 3), MessageDefect::first_beyond_paths},
      {"from path 1 of none on", "feedback-without-records", set(49, 1), MessageDefect::first_beyond_paths},
      {"a record of path 1 after that of path 2 of three", "feedback", set(52 + 44, 1),
       MessageDefect::record_out_of_turn},
  };
  std::set<MessageDefect> seen;
  for (const auto& each : cases) {
    auto vector = message_vector(each.vector);
    each.change(vector.bytes);
    seal(vector.bytes, vector.key);
    Message message;
    const auto self = std::string_view{each.vector} == "probe" ? nine : seven;
    EXPECT_EQ(read_message(vector.bytes, vector.key, self, message), each.defect) << each.what;
    seen.insert(each.defect);
  }
  EXPECT_EQ(seen.size(), message_defect_names.size()) << "all but the authenticator's, and none";
}

TEST(Message, NothingOfTheBodyIsBelievedBeforeTheAuthenticator) {
  auto vector = message_vector("feedback");
  vector.bytes[48] = std::byte{9};
  Message message;
  EXPECT_EQ(read_message(vector.bytes, vector.key, seven, message), MessageDefect::bad_authenticator);
  ++vector.key.bytes[15];
  vector.bytes[48] = std::byte{2};
  EXPECT_EQ(read_message(vector.bytes, vector.key, seven, message), MessageDefect::bad_authenticator);
}

TEST(Message, WithoutAKeyItsFormTellsWhoseKeyToTake) {
  const auto vector = message_vector("feedback");
  MessageEnds ends;
  ASSERT_EQ(check_form(vector.bytes, ends), MessageDefect::none);
  EXPECT_EQ(ends.sender, nine);
  EXPECT_EQ(ends.receiver, seven);
  EXPECT_EQ(other_end(ends, seven), nine);
  EXPECT_EQ(other_end(ends, nine), seven) << "what 9 hears back of its own";
  EXPECT_EQ(check_form(std::span{vector.bytes}.first(44), ends), MessageDefect::truncated_message);
  EXPECT_EQ(check_form({}, ends), MessageDefect::truncated_message);
}

TEST(Message, OnesOwnMessageIsReadToo) {
  const auto vector = message_vector("probe");
  Message message;
  EXPECT_EQ(read_message(vector.bytes, vector.key, seven, message), MessageDefect::none);
  EXPECT_EQ(message.header.sender, seven);
}

TEST(Feedback, PathsThatDoNotFitHaveTheirTurnInTheNextMessage) {
  const auto vector = message_vector("feedback");
  for (const std::size_t count : {1U, 24U, 25U, 26U, 60U, 256U}) {
    std::vector<PathRecord> paths(count);
    for (std::size_t i = 0; i < count; ++i) paths[i].bytes = i + 1'000;
    std::vector<unsigned> told(count);
    std::uint8_t first = 0;
    const std::size_t messages = (count + most_records - 1) / most_records;
    for (std::size_t i = 0; i < messages; ++i) {
      Buffer out;
      const auto written = write_feedback(feedback_header, 0, paths, first, vector.key, out.bytes);
      first = written.next;
      Message message;
      ASSERT_EQ(read_message(out.first(written.bytes), vector.key, seven, message), MessageDefect::none);
      ASSERT_EQ(message.count, std::min(count, most_records));
      for (std::size_t k = 0; k < message.count; ++k) {
        const auto path = value(message.path_of(k));
        ++told[path];
        EXPECT_EQ(message.records[k].bytes, path + 1'000U);
      }
    }
    EXPECT_EQ(std::ranges::count(told, 0U), 0) << count << " paths";
  }
}

TEST(Feedback, NoneReceivedYetDiffersFromNoneCounted) {
  const auto vector = message_vector("feedback");
  const std::vector<PathRecord> paths{{.counted = true, .period = 0, .packets = 0},
                                      {.counted = false, .period = 77, .packets = 12}};
  Buffer out;
  const auto written = write_feedback(feedback_header, 0, paths, 0, vector.key, out.bytes);
  Message message;
  ASSERT_EQ(read_message(out.first(written.bytes), vector.key, seven, message), MessageDefect::none);
  EXPECT_TRUE(message.records[0].counted);
  EXPECT_FALSE(message.records[1].counted);
  EXPECT_EQ(message.records[1].period, 0U) << "what means nothing is 0 on the wire";
  EXPECT_EQ(message.records[1].packets, 0U);
}

TEST(FullPeriod, IsTheOneNearestToTheReadersOwn) {
  struct Case {
    std::uint32_t period;
    std::uint32_t near;
  };
  for (const auto& [period, near] : std::vector<Case>{{0, 0},
                                                      {5, 9},
                                                      {0xfffe, 0x10001},
                                                      {0x10000, 0xffff},
                                                      {0xfffffffe, 3},
                                                      {3, 0xfffffffe},
                                                      {0x12345678, 0x12345678 + 0x7fff},
                                                      {0x12345678, 0x12345678 - 0x7fff}}) {
    EXPECT_EQ(full_period(static_cast<std::uint16_t>(period), near), period) << period << " near " << near;
  }
  EXPECT_EQ(full_period(0, 0x8000), 0U) << "halfway between, the older";
}

TEST(FullPeriod, LossIsCountedOverTheWire) {
  lb::SentByPeriod sent;
  lb::ReceivedByPeriod received;
  const std::int64_t begin = (std::int64_t{0xfffffffc} << 17) + 5;  // the number of the period wraps soon
  std::int64_t now = begin;
  for (int i = 0; i < 1'000; ++i, now += 5'000) {
    sent.count(lb::Nanoseconds{now});
    if (i % 100 != 3) received.count(lb::Nanoseconds{now});
  }
  const auto low = static_cast<std::uint16_t>(received.complete());
  const auto through = sent.through(full_period(low, lb::marking_period(lb::Nanoseconds{now})));
  EXPECT_EQ(through, received.through() + 10U);
}

TEST(Receipt, ARecordWithoutACountShowsALifeSignAndNoLoss) {
  lb::PathHealth health(1);
  const lb::PathId path{0};
  std::int64_t now = 1'000'000'000;
  for (int i = 0; i < 1'000; ++i, now += 5'000) health.sent(path, lb::Nanoseconds{now}, lb::Nanoseconds{now});
  health.advance(lb::Nanoseconds{now});
  Message feedback;
  feedback.announced = feedback.count = 1;
  feedback.records[0] = {.heard = true};
  // By a clock reading that is a little old, too.
  for (const std::int64_t old : {0, 400'000}) {
    const auto got = receipt(feedback, 0, lb::Nanoseconds{now - old});
    EXPECT_TRUE(got.heard);
    health.received({&got, 1}, lb::Nanoseconds{now});
    EXPECT_EQ(health.lost(path), 0U);
  }
  const std::int64_t over = now - 300'000;
  feedback.records[0] = {.counted = true,
                         .period = static_cast<std::uint16_t>(lb::marking_period(lb::Nanoseconds{over})),
                         .packets = 900};
  const auto counted = receipt(feedback, 0, lb::Nanoseconds{now});
  EXPECT_EQ(counted.period, lb::marking_period(lb::Nanoseconds{over}));
  EXPECT_EQ(counted.received, 900U);
  EXPECT_FALSE(counted.heard);
  health.received({&counted, 1}, lb::Nanoseconds{now});
  EXPECT_GT(health.lost(path), 0U);
}

rc::Gen<PathRecord> any_record() {
  return rc::gen::map(rc::gen::container<std::array<std::uint32_t, 13>>(rc::gen::arbitrary<std::uint32_t>()),
                      [](const std::array<std::uint32_t, 13>& any) {
                        const std::uint32_t queue = any[10] & 0xff'ffff;
                        const bool counted = (any[0] & 4U) != 0;
                        return PathRecord{.heard = (any[0] & 1U) != 0,
                                          .fifo_lost = (any[0] & 2U) != 0,
                                          .counted = counted,
                                          .period = static_cast<std::uint16_t>(counted ? any[1] : 0),
                                          .packets = counted ? any[2] : 0,
                                          .bytes = std::uint64_t{any[3]} << 32 | any[4],
                                          .ce_marked = any[5],
                                          .late = any[6],
                                          .least_delay = any[7],
                                          .mean_delay = any[8],
                                          .most_delay = any[9],
                                          .utilisation = static_cast<std::uint8_t>(any[12]),
                                          .deepest_queue = queue > deepest_queue_told ? not_measured : queue,
                                          .longest_hold = any[11]};
                      });
}

Bytes any_feedback(const MessageKey& key, std::vector<PathRecord>& paths, std::uint8_t first) {
  paths = *rc::gen::container<std::vector<PathRecord>>(any_record());
  Buffer out;
  const auto written =
      write_feedback(feedback_header, *rc::gen::arbitrary<std::uint32_t>(), paths, first, key, out.bytes);
  return out.first(written.bytes);
}

RC_GTEST_PROP(MessageProperty, WhatIsWrittenIsRead, ()) {
  const auto key = message_vector("feedback").key;
  const auto first = *rc::gen::arbitrary<std::uint8_t>();
  std::vector<PathRecord> paths;
  const auto bytes = any_feedback(key, paths, first);
  Message message;
  RC_ASSERT(read_message(bytes, key, seven, message) == MessageDefect::none);
  RC_ASSERT(message.announced == paths.size());
  RC_ASSERT(message.first == (first < paths.size() ? first : 0));
  for (std::size_t i = 0; i < message.count; ++i) {
    RC_ASSERT(message.records[i] == paths[value(message.path_of(i))]);
  }
}

RC_GTEST_PROP(MessageProperty, AnyBitFlippedIsNoticed, ()) {
  const auto key = message_vector("feedback").key;
  std::vector<PathRecord> paths;
  auto bytes = any_feedback(key, paths, 0);
  const auto bit = *rc::gen::inRange<std::size_t>(0, bytes.size() * 8);
  bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  Message message;
  RC_ASSERT(read_message(bytes, key, seven, message) != MessageDefect::none);
}

}  // namespace
}  // namespace braidway::telemetry
