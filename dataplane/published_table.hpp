// The path table that workers read, published whole by one release store; old ones are freed through
// rte_rcu_qsbr once no worker can still hold them.
//
// Owner of publish(), reclaim() and current(): the control thread. join() to leave(): each worker, for its
// own id.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

#include <rte_rcu_qsbr.h>
#include <tl/expected.hpp>

#include "lb/path_table.hpp"

namespace braidway::dataplane {

class PublishedTable {
 public:
  /// `readers`: the number of worker ids, 0..readers-1.
  PublishedTable(unsigned readers, std::unique_ptr<const lb::PathTable> first);
  ~PublishedTable();
  PublishedTable(const PublishedTable&) = delete;
  PublishedTable& operator=(const PublishedTable&) = delete;

  /// Makes `next` what workers read from their next turn on. Does not wait for them.
  void publish(std::unique_ptr<const lb::PathTable> next);
  /// Frees the tables that no worker can hold any more.
  void reclaim();
  /// Returns when every reader has passed a quiescent state: none uses anything it saw before.
  void synchronize() noexcept { rte_rcu_qsbr_synchronize(state_.get(), RTE_QSBR_THRID_INVALID); }
  const lb::PathTable& current() const noexcept { return *current_; }
  /// Tables published but not freed yet, the current one apart.
  std::size_t retired() const noexcept { return retired_.size(); }

  /// The snapshot to use until the reader's next quiescent state.
  const lb::PathTable* read() const noexcept { return shared_.load(std::memory_order_acquire); }

  void join(unsigned reader) noexcept;
  void quiescent(unsigned reader) noexcept { rte_rcu_qsbr_quiescent(state_.get(), reader); }
  /// Before a reader blocks: nobody waits for it meanwhile, and it must not touch a table.
  void offline(unsigned reader) noexcept { rte_rcu_qsbr_thread_offline(state_.get(), reader); }
  void online(unsigned reader) noexcept { rte_rcu_qsbr_thread_online(state_.get(), reader); }
  void leave(unsigned reader) noexcept;

 private:
  struct Free {
    void operator()(rte_rcu_qsbr* state) const noexcept;
  };
  struct Retired {
    std::uint64_t token;
    std::unique_ptr<const lb::PathTable> table;
  };

  std::unique_ptr<rte_rcu_qsbr, Free> state_;
  std::atomic<const lb::PathTable*> shared_;
  std::unique_ptr<const lb::PathTable> current_;
  std::deque<Retired> retired_;
};

}  // namespace braidway::dataplane
