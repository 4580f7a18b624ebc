// Whatever happens to a trace on its way, it is noticed, and said where and what to do.
#include <cstring>
#include <sys/stat.h>
#include <zlib.h>

#include <gtest/gtest.h>

#include "tests/unit/record/files.hpp"

namespace braidway::ctrl::record {
namespace {

using Bytes = std::vector<std::byte>;

void expect_wrong(const tl::expected<Trace, std::string>& trace, const std::string& what) {
  ASSERT_FALSE(trace);
  EXPECT_NE(trace.error().find(what), std::string::npos) << trace.error();
}

std::vector<std::size_t> block_starts(const Bytes& bytes) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 12; at < bytes.size();) {
    starts.push_back(at);
    std::uint32_t length = 0;
    std::memcpy(&length, &bytes[at + 4], sizeof length);
    at += 12 + length;
  }
  return starts;
}

TEST(TraceDamage, AFileCutAnywhereIsCutShortAndWhatIsWholeCanBeTaken) {
  const Bytes whole = small_trace();
  const auto starts = block_starts(whole);
  ASSERT_EQ(starts.size(), 4U) << "header, two blocks of messages, the end";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Bytes bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    // The last block that is not whole begins there.
    std::size_t at = 0;
    for (const std::size_t start : starts) at = start <= length ? start : at;
    expect_wrong(Trace::parse("a.trace", bytes),
                 "a.trace: byte " + std::to_string(at) + ": the trace is cut short there");
    const auto rest = Trace::parse("a.trace", bytes, Trace::CutShort::take_whole_blocks);
    if (length < starts[1]) {
      expect_wrong(rest, "nothing of this one can be used");
      continue;
    }
    ASSERT_TRUE(rest) << rest.error();
    EXPECT_TRUE(rest->cut_short());
    EXPECT_EQ(rest->messages(), length < starts[2] ? 0U : length < starts[3] ? 2U : 5U);
    TraceMessages reading(*rest);
    std::uint64_t read = 0;
    while (reading.next()) ++read;
    EXPECT_EQ(read, rest->messages());
  }
  const auto taken = Trace::parse("a.trace", whole, Trace::CutShort::take_whole_blocks);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(taken->cut_short());
}

TEST(TraceDamage, AnyBitThatFlipsIsNoticed) {
  const Bytes whole = small_trace();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes bytes = whole;
      bytes[at] ^= std::byte{1} << bit;
      EXPECT_FALSE(Trace::parse("a.trace", bytes)) << at << ' ' << bit;
      const auto rest = Trace::parse("a.trace", bytes, Trace::CutShort::take_whole_blocks);
      // A length that reaches past the file's end looks like a cut.
      EXPECT_TRUE(!rest || rest->cut_short()) << at << ' ' << bit;
    }
  }
}

TEST(TraceDamage, OfDamageItIsSaidWhereAndWhatToDo) {
  Bytes bytes = small_trace();
  const std::size_t start = block_starts(bytes)[1];
  bytes[start + 10] ^= std::byte{1};
  expect_wrong(Trace::parse("a.trace", bytes),
               "a.trace: byte " + std::to_string(start) +
                   ": the checksum of the block is wrong: the trace is damaged; copy it anew");
  Bytes longer = small_trace();
  const std::size_t size = longer.size();
  longer.push_back({});
  expect_wrong(Trace::parse("a", longer), "byte " + std::to_string(size) + ": something behind the end");
}

TEST(TraceDamage, OtherFilesAndOtherVersionsAreToldApart) {
  Bytes bytes = small_trace();
  bytes[8] = std::byte{2};
  expect_wrong(Trace::parse("a.trace", bytes),
               "a.trace: byte 8: the trace is of version 2, and only version 1 can be read");
  bytes[0] = std::byte{'b'};
  expect_wrong(Trace::parse("a.trace", bytes), "a.trace: byte 0: this is no trace of Braidway's");
}

/// A file of these blocks, each with a right checksum.
class Forged {
 public:
  Forged() { add("BWTRACE\n").number<std::uint32_t>(1); }
  Forged& add(std::string_view text) {
    for (const char each : text) bytes.push_back(static_cast<std::byte>(each));
    return *this;
  }
  template <typename Number>
  Forged& number(Number of) {
    return add({reinterpret_cast<const char*>(&of), sizeof of});
  }
  Forged& block(std::uint32_t kind, const Forged& content) {
    const std::size_t start = bytes.size();
    number(kind).number(static_cast<std::uint32_t>(content.bytes.size() - 12));
    bytes.insert(bytes.end(), content.bytes.begin() + 12, content.bytes.end());
    return number(static_cast<std::uint32_t>(
        ::crc32(0, reinterpret_cast<const Bytef*>(&bytes[start]), static_cast<uInt>(bytes.size() - start))));
  }
  Bytes bytes;
};

Forged name(std::string_view text) {
  Forged forged;
  forged.number(static_cast<std::uint8_t>(text.size())).add(text);
  return forged;
}

Forged header(std::uint16_t paths, double capacity = 1, std::string_view path = "p") {
  Forged forged;
  forged.add("\1a\1b").number(paths);
  for (unsigned i = 0; i < paths; ++i) {
    forged.number(static_cast<std::uint8_t>(path.size())).add(path).number(capacity);
  }
  return forged;
}

Forged end(std::uint64_t messages) {
  Forged forged;
  forged.number(messages);
  return forged;
}

Forged message(std::uint8_t mask) {
  Forged forged;
  forged.number(std::int64_t{3}).number(mask);
  return forged;
}

TEST(TraceDamage, WhatOnlyAForgerWritesIsRefused) {
  const auto good = Forged().block(1, header(2));
  ASSERT_TRUE(Trace::parse("a", Forged(good).block(3, end(0)).bytes));
  ASSERT_TRUE(Trace::parse("a", Forged(good).block(2, message(0)).block(3, end(1)).bytes));
  const std::vector<std::pair<Forged, const char*>> cases{
      {Forged().block(1, header(0)), "names or paths that cannot be"},
      {Forged().block(1, header(257)), "names or paths that cannot be"},
      {Forged().block(1, Forged().add("\1a\1b").number(std::uint16_t{65'535})), "names or paths"},
      {Forged().block(1, header(1, -1)), "names or paths that cannot be"},
      {Forged().block(1, header(1, 1e300)), "names or paths that cannot be"},
      {Forged().block(1, header(1, 1, "\x1b")), "names or paths that cannot be"},
      {Forged().block(1, header(1, 1, "")), "names or paths that cannot be"},
      {Forged().block(1, header(2).add("!")), "names or paths that cannot be"},
      {Forged().block(1, name("a")), "names or paths that cannot be"},
      {Forged().block(2, message(0)), "a block of another kind was due"},
      {Forged(good).block(1, header(2)), "a block of another kind was due"},
      {Forged(good).block(4, end(0)), "a block of kind 4"},
      {Forged(good).block(2, Forged()), "a block without messages"},
      {Forged(good).block(2, message(4)), "a message that is none"},
      {Forged(good).block(2, message(1)), "a message that is none"},
      {Forged(good).block(2, message(0).add("!")), "a message that is none"},
      {Forged(good).block(3, end(1)), "another number of messages than there are"},
      {Forged(good).block(3, end(0).add("!")), "another number of messages than there are"},
      {Forged(good).number(2U).number(0xffffffffU).number(0U), "a block of 4294967295 bytes"},
  };
  for (const auto& [forged, what] : cases) expect_wrong(Trace::parse("a", forged.bytes), what);
}

TEST(TraceDamage, WhatIsNoFileIsNotRead) {
  const Folder folder;
  expect_wrong(Trace::read(folder.file("a")), "No such file or directory");
  expect_wrong(Trace::read(folder.file(".")), "not a file; name one that holds a trace");
  ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
  expect_wrong(Trace::read(folder.file("fifo")), "not a file; name one that holds a trace");
}

}  // namespace
}  // namespace braidway::ctrl::record
