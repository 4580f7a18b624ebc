// First in, first out, in memory that is taken once. One owner.
#pragma once

#include <bit>
#include <cstddef>
#include <vector>

namespace braidway::bench::wire {

template <class T>
class FixedQueue {
 public:
  /// At least `capacity` entries; who pushes sees to it that there are never more.
  explicit FixedQueue(std::size_t capacity) : entries_(std::bit_ceil(capacity)) {}

  [[nodiscard]] bool empty() const noexcept { return head_ == tail_; }
  [[nodiscard]] std::size_t size() const noexcept { return tail_ - head_; }
  [[nodiscard]] const T& front() const noexcept { return entries_[head_ & (entries_.size() - 1)]; }
  void push(const T& entry) noexcept { entries_[tail_++ & (entries_.size() - 1)] = entry; }
  T pop() noexcept { return entries_[head_++ & (entries_.size() - 1)]; }

 private:
  std::vector<T> entries_;
  std::size_t head_ = 0;  ///< both only ever grow
  std::size_t tail_ = 0;
};

}  // namespace braidway::bench::wire
