#include "ctrl/forecast/loop.hpp"

#include <atomic>
#include <condition_variable>
#include <dirent.h>
#include <map>
#include <mutex>
#include <sched.h>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/forecast_loop/peer.hpp"

namespace braidway::ctrl::forecast {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t paths = 2;

/// Workers whose time goes on by a millisecond with each look at it, and who hear a peer all that time.
class Workers : public dataplane::PathView {
 public:
  explicit Workers(double own = 0.4)
      : peer_(paths, own, [](std::size_t path, std::int64_t now) {
          return path == 0 ? burst(now, 30'000, 6'000, 0.8) : 0.0;
        }) {}

  [[nodiscard]] lb::Nanoseconds now() const noexcept override {
    std::unique_lock lock(mutex);
    looks.notify_all();
    may_look.wait(lock, [this] { return !held; });
    return lb::Nanoseconds{peer_.now};
  }
  std::size_t take_feedbacks(std::span<dataplane::HeardFeedback> out) noexcept override {
    const std::scoped_lock lock(mutex);
    const std::size_t count = std::min<std::size_t>(out.size(), 10);
    for (std::size_t i = 0; i < count; ++i) out[i] = peer_.say();
    taken += count;
    return count;
  }
  void read(std::span<dataplane::PathReading> out) const noexcept override {
    for (auto& reading : out) reading = {};
  }
  void read_rates(std::span<double> out) const noexcept override { std::ranges::fill(out, rate_now.load()); }
  void go_on() noexcept override { ticks.fetch_add(1); }
  void tell(std::span<const float> biases) noexcept override {
    const std::scoped_lock lock(mutex);
    told.emplace_back(biases.begin(), biases.end());
    looks.notify_all();
  }

  /// Waits until the loop has told something that `is`; it may be held up by nothing but work.
  template <typename Is>
  bool await(Is is) {
    std::unique_lock lock(mutex);
    return looks.wait_for(lock, 60s, is);
  }

  mutable std::mutex mutex;
  mutable std::condition_variable looks;
  mutable std::condition_variable may_look;
  bool held = false;
  std::vector<std::vector<float>> told;
  std::size_t taken = 0;
  std::atomic<double> rate_now{rate};
  std::atomic<unsigned> ticks{0};

 private:
  Peer peer_;
};

constexpr Loop::Parameters applying{.forecast = {}, .paths = paths, .applies = true};

TEST(LoopOf, TellsWhatIsExpectedAndTakesItBackWhenItEnds) {
  Workers workers;
  {
    Loop loop(workers, applying);
    ASSERT_TRUE(workers.await([&] { return workers.told.size() > 4; }));
    const LoopState state = loop.ask([](const PeerForecast&, const LoopState& now) { return now; }).value();
    EXPECT_GT(state.turns, 100U);
    EXPECT_GT(state.refits, 0U);
    EXPECT_EQ(state.took.total(), state.turns);
    EXPECT_GT(workers.ticks.load(), 100U) << "what it tells is still meant";
  }
  EXPECT_TRUE(std::ranges::any_of(workers.told, [](const auto& told) { return told[0] < 0.6F; }));
  EXPECT_EQ(workers.told.back(), (std::vector<float>{1, 1}));
}

TEST(LoopOf, LookingOnTellsNothingBeforeItEnds) {
  Workers workers;
  {
    Loop loop(workers, {.forecast = {}, .paths = paths, .applies = false});
    ASSERT_TRUE(workers.await([&] { return workers.taken > 25'000; }));
    EXPECT_GT(loop.ask([](const PeerForecast& forecast, const LoopState&) { return forecast.publications(); })
                  .value(),
              0U);
    EXPECT_TRUE(workers.told.empty());
  }
  EXPECT_EQ(workers.ticks.load(), 0U);
}

TEST(LoopOf, WhoAsksGetsAnswersWhileItGoesOn) {
  Workers workers;
  Loop loop(workers, applying);
  std::atomic<bool> end{false};
  std::thread other([&] {
    while (!end)
      loop.ask(
          [](const PeerForecast& forecast, const LoopState&) { return forecast.events().last(5).size(); });
  });
  for (int i = 0; i < 1'000; ++i) {
    loop.ask([](const PeerForecast& forecast, const LoopState&) {
      return forecast.history().ticks(0, 100).size();
    });
  }
  EXPECT_TRUE(workers.await([&] { return workers.taken > 10'000; }));
  end = true;
  other.join();
}

TEST(LoopOf, AStallIsNoticedAndItsEndToo) {
  Workers workers;
  Loop loop(workers, applying);
  ASSERT_TRUE(workers.await([&] { return workers.taken > 100; }));
  EXPECT_FALSE(loop.stalled());
  {
    const std::scoped_lock lock(workers.mutex);
    workers.held = true;
  }
  const auto await_stalled = [&](bool stalled) {
    const auto patience = std::chrono::steady_clock::now() + 60s;
    while (loop.stalled().has_value() != stalled && std::chrono::steady_clock::now() < patience) {
      std::this_thread::yield();
    }
    return loop.stalled().has_value() == stalled;
  };
  EXPECT_TRUE(await_stalled(true));
  const auto answer = loop.ask([](const PeerForecast&, const LoopState& state) { return state.turns; });
  EXPECT_FALSE(answer) << "it is in the middle of a tick";
  {
    const std::scoped_lock lock(workers.mutex);
    workers.held = false;
  }
  workers.may_look.notify_all();
  EXPECT_TRUE(await_stalled(false));
}

TEST(LoopOf, ModelsBeginAnewWhenARateChanges) {
  Workers workers;
  Loop loop(workers, applying);
  const auto restarts = [&] {
    return loop.ask([](const PeerForecast&, const LoopState& state) { return state.restarts; }).value();
  };
  EXPECT_EQ(restarts(), 0U);
  workers.rate_now = 2 * rate;
  const auto patience = std::chrono::steady_clock::now() + 60s;
  while (restarts() == 0 && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
  EXPECT_EQ(restarts(), 1U);
  EXPECT_EQ(loop.ask([](const PeerForecast& forecast, const LoopState&) { return forecast.rates().front(); })
                .value(),
            2 * rate);
}

/// The cores that each of this process's threads may run on, by its id.
std::map<int, std::set<int>> cores_of_threads() {
  std::map<int, std::set<int>> found;
  DIR* folder = opendir("/proc/self/task");
  while (const dirent* entry = readdir(folder)) {
    const int thread = std::atoi(static_cast<const char*>(entry->d_name));
    cpu_set_t set;
    CPU_ZERO(&set);
    if (thread == 0 || sched_getaffinity(thread, sizeof set, &set) != 0) continue;
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &set)) found[thread].insert(core);
    }
  }
  closedir(folder);
  return found;
}

TEST(LoopOf, ItAndItsHelpersStayOnTheCoresThatItWasMadeOn) {
  cpu_set_t all;
  CPU_ZERO(&all);
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  cpu_set_t last;
  CPU_ZERO(&last);
  int core = CPU_SETSIZE - 1;
  while (!CPU_ISSET(core, &all)) --core;
  CPU_SET(core, &last);
  // Whoever asked TBB for its threads first had all cores.
  ASSERT_EQ(sched_setaffinity(0, sizeof last, &last), 0);
  const auto before = cores_of_threads();
  {
    Workers workers;
    Loop loop(workers, applying);
    ASSERT_TRUE(workers.await([&] { return workers.taken > 5'000; }));
    std::size_t its_own = 0;
    for (const auto& [thread, cores] : cores_of_threads()) {
      if (before.contains(thread)) continue;
      EXPECT_EQ(cores, std::set<int>{core});
      ++its_own;
    }
    EXPECT_GE(its_own, 1U);
    EXPECT_EQ(
        loop.ask([](const PeerForecast&, const LoopState& state) { return state.refit_threads; }).value(), 1);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
}

}  // namespace
}  // namespace braidway::ctrl::forecast
