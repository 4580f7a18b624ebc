// Readers in threads of their own while tables are published: run it under AddressSanitizer and
// ThreadSanitizer too.
#include "dataplane/published_table.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace braidway::tests {
namespace {

using dataplane::PublishedTable;

constexpr std::uint64_t seed = 7;

/// Two paths; the weight of the first is the number of the table.
std::unique_ptr<const lb::PathTable> table_of_number(const lb::PathTable& from, std::uint32_t number) {
  const std::array<std::uint32_t, 2> weights{number, 1};
  return std::make_unique<const lb::PathTable>(from.with_weights(0, weights));
}
std::unique_ptr<const lb::PathTable> first_table() {
  const std::vector<std::vector<lb::PathRecord>> peers{
      {{.egress = 1, .live = true, .weight = 1}, {.egress = 2, .live = true, .weight = 1}}};
  return std::make_unique<const lb::PathTable>(lb::PathTable::initial(peers, seed));
}
std::uint32_t number_of(const lb::PathTable& table) { return table.peer(0).record(lb::PathId{0}).weight; }

/// Uses tables as a worker does, until told to stop.
class Reader {
 public:
  Reader(PublishedTable& table, unsigned id, bool naps) : table_(table), id_(id), naps_(naps) {
    thread_ = std::thread([this] { run(); });
    while (turns() == 0) std::this_thread::yield();
  }
  ~Reader() { stop(); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::uint64_t turns() const { return turns_; }
  [[nodiscard]] bool went_back() const { return went_back_; }
  [[nodiscard]] std::uint32_t last() const { return last_; }

 private:
  void run() {
    table_.join(id_);
    while (!stop_) {
      const lb::PathTable* now = table_.read();
      const std::uint32_t number = number_of(*now);
      went_back_ = went_back_ || number < last_;
      last_ = number;
      // All of a table is one table: slots and records.
      for (std::uint64_t hash = 0; hash < 64; ++hash) {
        const lb::PathId path = now->peer(0).path_of(hash << 58U);
        went_back_ = went_back_ || now->peer(0).record(path).egress != lb::value(path) + 1;
      }
      table_.quiescent(id_);
      ++turns_;
      if (naps_ && turns_ % 64 == 0) {
        table_.offline(id_);
        std::this_thread::yield();
        table_.online(id_);
      }
    }
    table_.leave(id_);
  }

  PublishedTable& table_;
  unsigned id_;
  bool naps_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> turns_{0};
  std::atomic<bool> went_back_{false};
  std::atomic<std::uint32_t> last_{0};
  std::thread thread_;
};

void reclaim_all(PublishedTable& table) {
  while (table.retired() > 0) {
    table.reclaim();
    std::this_thread::yield();
  }
}

TEST(PublishedTable, ThousandsOfTablesAreReadWholeAndFreedAfterUse) {
  constexpr std::uint32_t publications = 2000;
  PublishedTable table(3, first_table());
  std::vector<std::unique_ptr<Reader>> readers;
  readers.reserve(3);
  for (unsigned id = 0; id < 3; ++id) readers.push_back(std::make_unique<Reader>(table, id, id > 0));
  for (std::uint32_t number = 2; number <= publications; ++number) {
    table.publish(table_of_number(table.current(), number));
  }
  reclaim_all(table);
  for (const auto& reader : readers) {
    const std::uint64_t then = reader->turns();
    while (reader->turns() < then + 2) std::this_thread::yield();
    EXPECT_EQ(reader->last(), publications);
    EXPECT_FALSE(reader->went_back());
    reader->stop();
  }
  EXPECT_EQ(table.retired(), 0U);
}

TEST(PublishedTable, ATableIsKeptWhileAReaderMayHoldIt) {
  PublishedTable table(1, first_table());
  table.join(0);
  const lb::PathTable* held = table.read();
  table.publish(table_of_number(table.current(), 2));
  table.publish(table_of_number(table.current(), 3));
  table.reclaim();
  EXPECT_EQ(table.retired(), 2U);
  EXPECT_EQ(number_of(*held), 1U);
  EXPECT_EQ(number_of(*table.read()), 3U);
  table.quiescent(0);
  table.reclaim();
  EXPECT_EQ(table.retired(), 0U);
  table.leave(0);
}

TEST(PublishedTable, AReaderThatIsOfflineOrHasLeftHoldsNothingUp) {
  PublishedTable table(2, first_table());
  table.join(0);
  table.join(1);
  table.offline(0);
  table.publish(table_of_number(table.current(), 2));
  EXPECT_EQ(table.retired(), 1U);
  table.quiescent(1);
  table.reclaim();
  EXPECT_EQ(table.retired(), 0U);
  table.leave(1);
  table.publish(table_of_number(table.current(), 3));
  EXPECT_EQ(table.retired(), 0U);
  table.synchronize();
  table.online(0);
  EXPECT_EQ(number_of(*table.read()), 3U);
  table.publish(table_of_number(table.current(), 4));
  EXPECT_EQ(table.retired(), 1U);
  table.leave(0);
  table.reclaim();
  EXPECT_EQ(table.retired(), 0U);
}

TEST(PublishedTable, WhatIsStillRetiredGoesWithTheObject) {
  PublishedTable table(1, first_table());
  table.join(0);
  table.publish(table_of_number(table.current(), 2));
  EXPECT_EQ(table.retired(), 1U);
}

}  // namespace
}  // namespace braidway::tests
