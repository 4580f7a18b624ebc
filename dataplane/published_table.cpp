#include "dataplane/published_table.hpp"

#include <cstdlib>
#include <new>
#include <utility>

namespace braidway::dataplane {

void PublishedTable::Free::operator()(rte_rcu_qsbr* state) const noexcept { std::free(state); }

PublishedTable::PublishedTable(unsigned readers, std::unique_ptr<const lb::PathTable> first)
    : shared_(first.get()), current_(std::move(first)) {
  const std::size_t bytes = rte_rcu_qsbr_get_memsize(readers);
  state_.reset(
      static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(bytes))));
  if (state_ == nullptr || rte_rcu_qsbr_init(state_.get(), readers) != 0) {
    throw std::bad_alloc();
  }
}

// The readers have left by now: every retired table goes with the object.
PublishedTable::~PublishedTable() = default;

void PublishedTable::publish(std::unique_ptr<const lb::PathTable> next) {
  shared_.store(next.get(), std::memory_order_release);
  auto old = std::exchange(current_, std::move(next));
  retired_.push_back({rte_rcu_qsbr_start(state_.get()), std::move(old)});
  reclaim();
}

void PublishedTable::reclaim() {
  while (!retired_.empty() && rte_rcu_qsbr_check(state_.get(), retired_.front().token, false) == 1) {
    retired_.pop_front();
  }
}

void PublishedTable::join(unsigned reader) noexcept {
  // Fails only for an id out of range, which the constructor has settled.
  [[maybe_unused]] const int registered = rte_rcu_qsbr_thread_register(state_.get(), reader);
  rte_rcu_qsbr_thread_online(state_.get(), reader);
}

void PublishedTable::leave(unsigned reader) noexcept {
  rte_rcu_qsbr_thread_offline(state_.get(), reader);
  [[maybe_unused]] const int unregistered = rte_rcu_qsbr_thread_unregister(state_.get(), reader);
}

}  // namespace braidway::dataplane
