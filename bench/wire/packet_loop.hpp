// The packet loop: one thread that polls all directions, naps if it may, and does what the main thread asks
// of it between two turns.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "bench/wire/direction.hpp"

namespace braidway::bench::wire {

class PacketLoop {
 public:
  PacketLoop(std::vector<std::unique_ptr<Direction>>& directions, bool sleep) noexcept
      : directions_{directions}, sleep_{sleep} {}

  /// Until stop(). The loop's thread.
  void run() noexcept;
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }

  /// Runs `work` in the loop's thread, between two turns, and returns when it is done. The main thread, while
  /// the loop runs; `work` must not throw and be short: frames wait meanwhile.
  void between_turns(const std::function<void()>& work);

 private:
  bool turn() noexcept;
  void nap(lb::Nanoseconds now) const noexcept;

  std::vector<std::unique_ptr<Direction>>& directions_;
  bool sleep_;
  std::atomic<bool> stop_{false};
  /// Set by the main thread, cleared by the loop's.
  std::atomic<const std::function<void()>*> work_{nullptr};
};

}  // namespace braidway::bench::wire
