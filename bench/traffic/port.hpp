// A DPDK port with one queue each way, and the mbufs of both ports. Owner: the main thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <tl/expected.hpp>

namespace braidway::bench::traffic {

struct FreeMempool {
  void operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }
};
using Mempool = std::unique_ptr<rte_mempool, FreeMempool>;

/// Buffers for two ports, each holding a whole frame of `frame_bytes`.
tl::expected<Mempool, std::string> make_mempool(std::size_t frame_bytes);
/// What make_mempool takes, MiB.
std::size_t mempool_mib(std::size_t frame_bytes) noexcept;

class Port {
 public:
  /// Attaches the device, again and again while `keep_trying()` (a vhost server may not listen yet),
  /// configures and starts it, and waits for its link. The error names the device and says what to do.
  static tl::expected<std::unique_ptr<Port>, std::string> open(const std::string& devargs, rte_mempool& pool,
                                                               std::size_t frame_bytes,
                                                               const std::function<bool()>& keep_trying);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// Hands each frame that has come to `take(std::span<const std::byte>)`; returns how many.
  template <class Take>
  std::size_t receive(Take&& take) {
    std::array<rte_mbuf*, burst> frames;
    const std::uint16_t count = rte_eth_rx_burst(id_, 0, frames.data(), burst);
    for (std::uint16_t at = 0; at < count; ++at) {
      const void* bytes = rte_pktmbuf_read(frames[at], 0, rte_pktmbuf_pkt_len(frames[at]), scratch_.data());
      if (bytes != nullptr && rte_pktmbuf_pkt_len(frames[at]) <= scratch_.size()) {
        take(std::span{static_cast<const std::byte*>(bytes), rte_pktmbuf_pkt_len(frames[at])});
      }
    }
    if (count > 0) rte_pktmbuf_free_bulk(frames.data(), count);
    return count;
  }

  /// Sends what `poll(std::span<std::byte>)` writes until it returns 0 or a burst is full. What the ring does
  /// not take is kept and goes first the next time; returns how many the ring took.
  template <class Poll>
  std::size_t send(Poll&& poll) {
    while (waiting_ < burst) {
      if (spare_ == nullptr) spare_ = rte_pktmbuf_alloc(&pool_);
      if (spare_ == nullptr) break;
      const std::size_t size = poll(std::span{rte_pktmbuf_mtod(spare_, std::byte*), frame_bytes_});
      if (size == 0) break;
      spare_->data_len = static_cast<std::uint16_t>(size);
      spare_->pkt_len = static_cast<std::uint32_t>(size);
      outgoing_[waiting_++] = spare_;
      spare_ = nullptr;
    }
    if (waiting_ == 0) return 0;
    const std::uint16_t taken = rte_eth_tx_burst(id_, 0, outgoing_.data(), waiting_);
    std::copy(outgoing_.begin() + taken, outgoing_.begin() + waiting_, outgoing_.begin());
    waiting_ = static_cast<std::uint16_t>(waiting_ - taken);
    return taken;
  }
  bool all_sent() const noexcept { return waiting_ == 0; }

 private:
  static constexpr std::uint16_t burst = 32;
  static constexpr std::size_t max_received_bytes = 9728;

  Port(std::uint16_t id, rte_mempool& pool, std::size_t frame_bytes) noexcept
      : id_{id}, pool_{pool}, frame_bytes_{frame_bytes} {}

  std::uint16_t id_;
  rte_mempool& pool_;
  std::size_t frame_bytes_;
  rte_mbuf* spare_ = nullptr;
  std::array<rte_mbuf*, burst> outgoing_{};
  std::uint16_t waiting_ = 0;
  std::array<std::byte, max_received_bytes> scratch_{};  ///< for frames in several segments
};

}  // namespace braidway::bench::traffic
