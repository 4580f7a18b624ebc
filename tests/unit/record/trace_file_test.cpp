// What is recorded can be read again as it was; and what a writer says of files that it cannot write.
#include "ctrl/record/trace_file.hpp"

#include <csignal>
#include <limits>
#include <sys/resource.h>
#include <sys/stat.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/counting_new.hpp"
#include "tests/unit/record/files.hpp"

namespace braidway::ctrl::record {
namespace {

using Messages = std::vector<std::pair<std::int64_t, std::vector<Heard>>>;

void expect_same(const Heard& of, const Heard& expected) {
  EXPECT_EQ(of.bytes, expected.bytes);
  EXPECT_EQ(of.least_delay_ns, expected.least_delay_ns);
  EXPECT_EQ(of.mean_delay_ns, expected.mean_delay_ns);
  EXPECT_EQ(of.utilisation, expected.utilisation);
  EXPECT_EQ(of.told, expected.told);
}

void write(const std::string& file, const TraceHeader& header, const Messages& messages) {
  auto writer = TraceWriter::create(file, header);
  ASSERT_TRUE(writer) << writer.error();
  for (const auto& [time, paths] : messages) ASSERT_TRUE(writer->append(lb::Nanoseconds{time}, paths));
  EXPECT_EQ(writer->messages(), messages.size());
  ASSERT_TRUE(writer->close());
}

void expect_reads(const std::string& file, const TraceHeader& header, const Messages& messages) {
  const auto trace = Trace::read(file);
  ASSERT_TRUE(trace) << trace.error();
  EXPECT_FALSE(trace->cut_short());
  EXPECT_EQ(trace->header().gateway, header.gateway);
  EXPECT_EQ(trace->header().peer, header.peer);
  ASSERT_EQ(trace->header().paths.size(), header.paths.size());
  for (std::size_t i = 0; i < header.paths.size(); ++i) {
    EXPECT_EQ(trace->header().paths[i].name, header.paths[i].name);
    EXPECT_EQ(trace->header().paths[i].capacity, header.paths[i].capacity);
  }
  ASSERT_EQ(trace->messages(), messages.size());
  TraceMessages reading(*trace);
  for (const auto& [time, paths] : messages) {
    const auto message = reading.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(value(message->time), time);
    ASSERT_EQ(message->paths.size(), header.paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) expect_same(message->paths[i], paths[i]);
  }
  EXPECT_FALSE(reading.next());
  EXPECT_FALSE(reading.next());
}

RC_GTEST_PROP(TraceFile, IsReadAsItWasWritten, ()) {
  const Folder folder;
  TraceHeader header = header_of(*rc::gen::inRange<std::size_t>(1, 257));
  header.paths.front().capacity = 0;
  Messages messages(*rc::gen::inRange<std::size_t>(0, 60));
  // Times as they come, backwards too.
  for (auto& [time, paths] : messages) {
    time = *rc::gen::arbitrary<std::int64_t>();
    paths.resize(header.paths.size());
    for (Heard& path : paths) {
      path.told = *rc::gen::inRange(0, 8) == 0;
      if (!path.told) continue;
      path = {.bytes = *rc::gen::arbitrary<std::uint32_t>(),
              .least_delay_ns = static_cast<float>(*rc::gen::inRange(-1, 1'000'000)),
              .mean_delay_ns = static_cast<float>(*rc::gen::inRange(-1, 1'000'000)),
              .utilisation = static_cast<float>(*rc::gen::inRange(0, 255)) / 254};
    }
  }
  write(folder.file("a"), header, messages);
  expect_reads(folder.file("a"), header, messages);
}

TEST(TraceFile, HoldsTheLongestNamesOfTheMostPaths) {
  const Folder folder;
  TraceHeader header = header_of(256);
  header.gateway = std::string(255, 'g');
  for (TracePath& path : header.paths) path.name = std::string(255, 'p');
  const Messages messages(40, {7, std::vector<Heard>(256, {1, 2, 3})});
  write(folder.file("a"), header, messages);
  expect_reads(folder.file("a"), header, messages);
}

TEST(TraceFile, IsAsCompactAsItsHeaderSays) {
  constexpr std::size_t count = 10'000;
  const auto bytes_a_message = [&](std::size_t paths, const Heard& of) {
    const Folder folder;
    write(folder.file("a"), header_of(paths), Messages(count, {7, std::vector<Heard>(paths, of)}));
    return static_cast<double>(std::filesystem::file_size(folder.file("a"))) / count;
  };
  EXPECT_NEAR(bytes_a_message(16, {1, 2, 3}), 218, 1);
  EXPECT_NEAR(bytes_a_message(256, {1, 2, 3}), 3'368, 4);
  EXPECT_NEAR(bytes_a_message(16, {.told = false}), 10, 1);
  EXPECT_NEAR(bytes_a_message(256, {.told = false}), 40, 1);
}

TEST(TraceFile, NumbersThatDoNotFitAreTheNearestThatDo) {
  const Folder folder;
  const float none = std::numeric_limits<float>::quiet_NaN();
  const float infinite = std::numeric_limits<float>::infinity();
  const auto most = std::numeric_limits<std::uint32_t>::max();
  write(folder.file("a"), header_of(3),
        {{0, {{std::uint64_t{1} << 40, 0.4F, 2.6F}, {3, none, infinite}, {.told = false}}}});
  expect_reads(folder.file("a"), header_of(3),
               {{0, {{most, 0, 3}, {3, -1, static_cast<float>(most)}, {.told = false}}}});
}

TEST(TraceFile, UtilisationIsInSharesOf254) {
  const Folder folder;
  write(folder.file("a"), header_of(4), {{0, {{0, -1, -1, 0}, {0, -1, -1, 0.5F}, {0, -1, -1, 1.7F}, {}}}});
  expect_reads(folder.file("a"), header_of(4),
               {{0, {{0, -1, -1, 0}, {0, -1, -1, 127.0F / 254}, {0, -1, -1, 1}, {}}}});
}

TEST(TraceWriter, TakesNoMemoryWhileItRecords) {
  const Folder folder;
  auto writer = TraceWriter::create(folder.file("a"), header_of(256));
  ASSERT_TRUE(writer);
  const std::vector<Heard> paths(256, {1, 2, 3});
  const std::size_t before = taken;
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(writer->append(lb::Nanoseconds{i}, paths));
  ASSERT_TRUE(writer->close());
  EXPECT_EQ(taken, before);
}

TEST(TraceWriter, OfAGatewayThatIsKilledAtMostTheLastSecondIsMissing) {
  const Folder folder;
  auto writer = TraceWriter::create(folder.file("a"), header_of(1));
  ASSERT_TRUE(writer);
  for (std::int64_t ms = 0; ms < 2'500; ++ms) {
    ASSERT_TRUE(writer->append(lb::Nanoseconds{ms * 1'000'000}, {}));
  }
  // What is in the file before close() is what a kill would leave.
  const auto trace = Trace::read(folder.file("a"), Trace::CutShort::take_whole_blocks);
  ASSERT_TRUE(trace) << trace.error();
  EXPECT_TRUE(trace->cut_short());
  EXPECT_GE(trace->messages(), 1'500U);
  EXPECT_LT(trace->messages(), 2'500U);
}

TEST(TraceWriter, WithoutCloseTheFileIsEndedAllTheSame) {
  const Folder folder;
  {
    auto writer = TraceWriter::create(folder.file("a"), header_of(1));
    ASSERT_TRUE(writer);
    TraceWriter moved(std::move(*writer));
    ASSERT_TRUE(moved.append({}, {}));
  }
  expect_reads(folder.file("a"), header_of(1), {{0, {{.told = false}}}});
}

TEST(TraceWriter, LeavesAFileThatIsThereAlone) {
  const Folder folder;
  std::ofstream(folder.file("a")) << "mine";
  const auto writer = TraceWriter::create(folder.file("a"), header_of(1));
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error(), folder.file("a") + " exists already; remove it or name another");
  EXPECT_EQ(bytes_of(folder.file("a")).size(), 4U);
  std::filesystem::create_symlink("/dev/full", folder.file("link"));
  EXPECT_FALSE(TraceWriter::create(folder.file("link"), header_of(1)));
  EXPECT_EQ(TraceWriter::create(folder.file("no/where"), header_of(1)).error(),
            folder.file("no/where") + ": No such file or directory");
}

TEST(TraceWriter, ItsFilesAreItsOwnersAlone) {
  const Folder folder;
  write(folder.file("a"), header_of(1), {});
  struct stat about{};
  ASSERT_EQ(::stat(folder.file("a").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST(TraceWriter, RefusesHeadersThatNobodyCouldRead) {
  const Folder folder;
  const auto refused = [&](const TraceHeader& header, const std::string& why) {
    const auto writer = TraceWriter::create(folder.file("a"), header);
    ASSERT_FALSE(writer);
    EXPECT_NE(writer.error().find(why), std::string::npos) << writer.error();
    EXPECT_FALSE(std::filesystem::exists(folder.file("a")));
  };
  refused(header_of(0), "1 to 256 paths, not 0");
  refused(header_of(257), "1 to 256 paths, not 257");
  TraceHeader header = header_of(1);
  header.paths[0].capacity = -1;
  refused(header, "capacity of path fabric0");
  header.paths[0].capacity = std::numeric_limits<double>::quiet_NaN();
  refused(header, "capacity of path fabric0");
  header = header_of(1);
  header.paths[0].name = "two words";
  refused(header, "a path's name");
  header = header_of(1);
  header.peer = std::string(256, 'b');
  refused(header, "the peer's name");
}

/// Files of this process may be no longer, while it lives: as if the disk were full.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(TraceWriter, TellsOnceThatTheDiskIsFullAndAgainAtTheEnd) {
  const Folder folder;
  auto writer = TraceWriter::create(folder.file("a"), header_of(16));
  ASSERT_TRUE(writer);
  const std::vector<Heard> paths(16, {1, 2, 3});
  int errors = 0;
  {
    const FileLimit limit(50'000);
    for (std::int64_t i = 0; i < 1'000; ++i) {
      const auto said = writer->append(lb::Nanoseconds{i}, paths);
      if (said) continue;
      ++errors;
      EXPECT_EQ(said.error(),
                folder.file("a") + " could not be written to its end (File too large); is the disk full?");
    }
    const auto closed = writer->close();
    ASSERT_FALSE(closed);
    EXPECT_NE(closed.error().find("is the disk full?"), std::string::npos);
  }
  EXPECT_EQ(errors, 1);
  EXPECT_TRUE(writer->close()) << "it is closed";
  const auto trace = Trace::read(folder.file("a"));
  ASSERT_FALSE(trace);
  EXPECT_NE(trace.error().find("cut short"), std::string::npos) << trace.error();
  const auto rest = Trace::read(folder.file("a"), Trace::CutShort::take_whole_blocks);
  ASSERT_TRUE(rest) << rest.error();
  EXPECT_GT(rest->messages(), 100U);
}

TEST(TraceWriter, LeavesNothingWhereNotEvenTheHeaderFits) {
  const Folder folder;
  const FileLimit limit(20);
  EXPECT_FALSE(TraceWriter::create(folder.file("a"), header_of(16)));
  EXPECT_FALSE(std::filesystem::exists(folder.file("a")));
}

}  // namespace
}  // namespace braidway::ctrl::record
