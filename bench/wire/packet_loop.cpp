#include "bench/wire/packet_loop.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>

#include <rte_pause.h>

#include "bench/wire/clock.hpp"

namespace braidway::bench::wire {
namespace {

constexpr unsigned turns_before_nap = 64;
constexpr std::int64_t longest_nap_ns = 50'000;
/// What a nap may oversleep on a core that is free: the loop is back before anything is due.
constexpr std::int64_t oversleep_ns = 20'000;
constexpr std::int64_t shortest_nap_ns = 5'000;

}  // namespace

bool PacketLoop::turn() noexcept {
  bool moved = false;
  const lb::Nanoseconds came = steady_now();
  for (const auto& direction : directions_) moved |= direction->receive(came);
  const lb::Nanoseconds now = steady_now();
  for (const auto& direction : directions_) moved |= direction->send(now);
  return moved;
}

void PacketLoop::nap(lb::Nanoseconds now) const noexcept {
  std::int64_t length = longest_nap_ns;
  for (const auto& direction : directions_) {
    if (const auto next = direction->next_event()) {
      length = std::min(length, value(*next) - value(now) - oversleep_ns);
    }
  }
  if (length < shortest_nap_ns) return;
  const timespec time{.tv_sec = 0, .tv_nsec = length};
  nanosleep(&time, nullptr);
}

void PacketLoop::run() noexcept {
  unsigned idle_turns = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    if (const auto* const work = work_.load(std::memory_order_acquire)) {
      (*work)();
      work_.store(nullptr, std::memory_order_release);
    }
    idle_turns = turn() ? 0 : idle_turns + 1;
    if (idle_turns == 0) continue;
    if (sleep_ && idle_turns > turns_before_nap) {
      nap(steady_now());
    } else {
      rte_pause();
    }
  }
}

void PacketLoop::between_turns(const std::function<void()>& work) {
  constexpr std::chrono::microseconds look_every{20};
  work_.store(&work, std::memory_order_release);
  while (work_.load(std::memory_order_acquire) != nullptr) std::this_thread::sleep_for(look_every);
}

}  // namespace braidway::bench::wire
