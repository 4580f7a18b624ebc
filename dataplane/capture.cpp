#include "dataplane/capture.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <rte_cycles.h>
#include <rte_errno.h>

#include "dataplane/mempool.hpp"
#include "dataplane/pcap_file.hpp"

namespace braidway::dataplane {
namespace {

constexpr unsigned ring_size = 8'192;
constexpr std::size_t longest_frame = 65'535;
constexpr std::chrono::milliseconds writer_nap{1};

struct FreeRing {
  void operator()(rte_ring* ring) const noexcept { rte_ring_free(ring); }
};

}  // namespace

class Capture::Writer {
 public:
  Writer(CaptureTap& tap, std::function<void()> settle) : tap_(tap), settle_(std::move(settle)) {}

  tl::expected<void, std::string> start(std::uint16_t data_room, const std::string& file) {
    const std::string id = std::to_string(reinterpret_cast<std::uintptr_t>(&tap_));
    auto pool = create_mempool("cap" + id, ring_size, data_room, SOCKET_ID_ANY);
    if (!pool) {
      return tl::unexpected(pool.error());
    }
    pool_ = std::move(*pool);
    ring_.reset(rte_ring_create(("cap" + id).c_str(), ring_size, SOCKET_ID_ANY, RING_F_SC_DEQ));
    if (ring_ == nullptr) {
      return tl::unexpected(std::string("no memory for the capture's ring (") + rte_strerror(rte_errno) +
                            "); raise memory.limit_mib");
    }
    for (const char* suffix : {".rx.pcap", ".tx.pcap"}) {
      auto writer = PcapWriter::create(file + suffix, PcapWriter::Existing::refuse);
      if (!writer) {
        remove_files();
        return tl::unexpected(writer.error());
      }
      files_.push_back(std::move(*writer));
    }
    started_tsc_ = rte_rdtsc();
    started_ns_ = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                                 std::chrono::system_clock::now().time_since_epoch())
                                                 .count());
    tap_.missed = 0;
    tap_.pool = pool_.get();
    tap_.ring.store(ring_.get(), std::memory_order_release);
    thread_ = std::thread([this] { run(); });
    return {};
  }

  tl::expected<CaptureResult, std::string> stop() {
    if (thread_.joinable()) {
      tap_.ring.store(nullptr, std::memory_order_release);
      settle_();
      stop_ = true;
      thread_.join();
      result_.missed = tap_.missed;
      for (PcapWriter& file : files_) {
        if (auto flushed = file.flush(); !flushed && written_) {
          written_ = tl::unexpected(flushed.error());
        }
      }
      files_.clear();
    }
    return written_.map([this] { return result_; });
  }

  ~Writer() { stop(); }

 private:
  void remove_files() {
    for (const PcapWriter& file : files_) {
      std::error_code ignored;
      std::filesystem::remove(file.name(), ignored);
    }
    files_.clear();
  }

  void run() {
    for (;;) {
      const bool last = stop_;
      if (drain() > 0) {
        continue;
      }
      if (last) {
        return;
      }
      std::this_thread::sleep_for(writer_nap);
    }
  }

  unsigned drain() {
    std::array<rte_mbuf*, burst_size> packets;
    const unsigned count = rte_ring_sc_dequeue_burst(ring_.get(), reinterpret_cast<void**>(packets.data()),
                                                     packets.size(), nullptr);
    for (unsigned i = 0; i < count; ++i) {
      write(packets[i]);
      rte_pktmbuf_free(packets[i]);
    }
    return count;
  }

  void write(rte_mbuf* packet) {
    const auto& meta = *static_cast<const CapturedMeta*>(rte_mbuf_to_priv(packet));
    // Before the start, if the turn that sent the packet began before it.
    const auto since_tsc = static_cast<std::int64_t>(meta.when - started_tsc_);
    const auto since_ns = static_cast<std::int64_t>(static_cast<double>(since_tsc) * 1e9 /
                                                    static_cast<double>(rte_get_tsc_hz()));
    std::array<std::byte, longest_frame> together;
    const std::uint32_t bytes = std::min<std::uint32_t>(packet->pkt_len, together.size());
    const auto* data = static_cast<const std::byte*>(rte_pktmbuf_read(packet, 0, bytes, together.data()));
    files_[static_cast<std::size_t>(meta.side)].write(started_ns_ + static_cast<std::uint64_t>(since_ns),
                                                      {data, bytes});
    (meta.side == CaptureSide::received ? result_.received : result_.transmitted) += 1;
  }

  CaptureTap& tap_;
  std::function<void()> settle_;
  Mempool pool_;
  std::unique_ptr<rte_ring, FreeRing> ring_;
  std::vector<PcapWriter> files_;  ///< by CaptureSide
  std::uint64_t started_tsc_ = 0;
  std::uint64_t started_ns_ = 0;  ///< since 1970
  std::atomic<bool> stop_{false};
  CaptureResult result_;
  tl::expected<void, std::string> written_;
  std::thread thread_;
};

Capture::Capture(std::unique_ptr<Writer> writer) : writer_(std::move(writer)) {}
Capture::~Capture() = default;

tl::expected<std::unique_ptr<Capture>, std::string> Capture::start(CaptureTap& tap, std::uint16_t data_room,
                                                                   const std::string& file,
                                                                   std::function<void()> settle) {
  auto writer = std::make_unique<Writer>(tap, std::move(settle));
  if (auto started = writer->start(data_room, file); !started) {
    return tl::unexpected(started.error());
  }
  return std::unique_ptr<Capture>(new Capture(std::move(writer)));
}

tl::expected<CaptureResult, std::string> Capture::stop() { return writer_->stop(); }

}  // namespace braidway::dataplane
