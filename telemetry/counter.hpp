// A counter with one writer and any readers, in different threads. Pure; fixed size.
#pragma once

#include <atomic>
#include <cstdint>

namespace braidway::telemetry {

/// Counts packets, bytes or cycles. Only the owner thread adds; anybody reads, and may see a value a moment
/// old. The addition is a plain add: no read-modify-write cycle on the bus, since nobody else writes.
class Counter {
 public:
  void add(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};
static_assert(sizeof(Counter) == 8);

}  // namespace braidway::telemetry
