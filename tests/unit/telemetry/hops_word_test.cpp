// What hops have told of a path, in the one word that a feedback's record has for it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "telemetry/big_endian.hpp"
#include "telemetry/message.hpp"
#include "tests/unit/telemetry/message_vectors.hpp"

namespace braidway::telemetry {
namespace {

/// Of a message's first record.
constexpr std::size_t flags_at = 52 + 1;
constexpr std::size_t word_at = 52 + 36;

/// As in the vector.
const MessageHeader header{
    .sender = lb::GatewayId{9}, .receiver = lb::GatewayId{7}, .sender_boot = BootId{1}, .sequence = 1};

TEST(Feedback, UtilisationAndQueueShareAWordAndEachMayBeMissing) {
  const auto vector = message_vector("feedback");
  struct Case {
    std::uint8_t utilisation;
    std::uint32_t queue;
    unsigned flags;
    std::uint32_t word;
    std::uint32_t queue_read;
  };
  for (const auto& each :
       std::vector<Case>{{utilisation_not_told, not_measured, 0x00, 0xffff'ffff, not_measured},
                         {utilisation_not_told, 0, 0x00, 0x0000'0000, 0},
                         {utilisation_not_told, deepest_queue_told, 0x00, 0x00ff'fffe, deepest_queue_told},
                         {0, not_measured, 0x10, 0x00ff'ffff, not_measured},
                         {0, 0, 0x10, 0x0000'0000, 0},
                         {full_utilisation, not_measured, 0x10, 0xfeff'ffff, not_measured},
                         {full_utilisation, 0x01'0203, 0x10, 0xfe01'0203, 0x01'0203},
                         {127, 0x0100'0000, 0x10, 0x7fff'fffe, deepest_queue_told}}) {
    const PathRecord record{.utilisation = each.utilisation, .deepest_queue = each.queue};
    std::array<std::byte, most_message_bytes> out{};
    const auto written = write_feedback(header, 0, {&record, 1}, 0, vector.key, out);
    EXPECT_EQ(std::to_integer<unsigned>(out[flags_at]), each.flags);
    EXPECT_EQ(load_be32(&out[word_at]), each.word);
    Message message;
    ASSERT_EQ(read_message(std::span{out}.first(written.bytes), vector.key, header.receiver, message),
              MessageDefect::none);
    EXPECT_EQ(message.records[0].utilisation, each.utilisation);
    EXPECT_EQ(message.records[0].deepest_queue, each.queue_read);
  }
}

TEST(Feedback, WithoutItsFlagUtilisationIsNotTold) {
  auto vector = message_vector("feedback");
  vector.bytes[flags_at] &= std::byte{0xef};
  seal(vector.bytes, vector.key);
  Message message;
  ASSERT_EQ(read_message(vector.bytes, vector.key, header.receiver, message), MessageDefect::none);
  EXPECT_EQ(message.records[0].utilisation, utilisation_not_told);
  EXPECT_EQ(message.records[0].deepest_queue, 8U);
}

}  // namespace
}  // namespace braidway::telemetry
