// A queue of QP indices in which each QP stands at most once. Owner: the engine it belongs to. No allocation
// after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace braidway::bench::traffic {

class QpQueue {
 public:
  explicit QpQueue(std::uint32_t qps) : ring_(qps), queued_(qps) {}

  bool empty() const noexcept { return size_ == 0; }
  std::uint32_t front() const noexcept { return ring_[head_]; }

  /// Does nothing where `qp` is queued already.
  void push(std::uint32_t qp) noexcept {
    if (queued_[qp] != 0) return;
    queued_[qp] = 1;
    std::size_t tail = head_ + size_++;
    if (tail >= ring_.size()) tail -= ring_.size();
    ring_[tail] = qp;
  }
  void pop() noexcept {
    queued_[ring_[head_]] = 0;
    if (++head_ == ring_.size()) head_ = 0;
    --size_;
  }
  /// The first becomes the last.
  void rotate() noexcept {
    const std::uint32_t qp = front();
    pop();
    push(qp);
  }

 private:
  std::vector<std::uint32_t> ring_;
  std::vector<std::uint8_t> queued_;
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace braidway::bench::traffic
