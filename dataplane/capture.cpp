#include "dataplane/capture.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include <pcap/pcap.h>
#include <rte_cycles.h>
#include <rte_errno.h>

#include "dataplane/mempool.hpp"

namespace braidway::dataplane {
namespace {

constexpr unsigned ring_size = 16'384;
constexpr int snapshot_bytes = 65'535;
constexpr std::chrono::milliseconds writer_nap{1};

struct ClosePcap {
  void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
  void operator()(pcap_dumper_t* file) const noexcept { pcap_dump_close(file); }
};
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
    handle_.reset(pcap_open_dead(DLT_EN10MB, snapshot_bytes));
    for (const auto& [side, suffix] :
         {std::pair{CaptureSide::received, ".rx.pcap"}, {CaptureSide::transmitted, ".tx.pcap"}}) {
      auto& out = files_[static_cast<std::size_t>(side)];
      out.reset(pcap_dump_open(handle_.get(), (file + suffix).c_str()));
      if (out == nullptr) {
        return tl::unexpected(std::string(pcap_geterr(handle_.get())) + "; name a file that can be written");
      }
    }
    started_tsc_ = rte_rdtsc();
    started_ = std::chrono::system_clock::now();
    tap_.missed = 0;
    tap_.pool = pool_.get();
    tap_.ring.store(ring_.get(), std::memory_order_release);
    thread_ = std::thread([this] { run(); });
    return {};
  }

  CaptureResult stop() {
    if (thread_.joinable()) {
      tap_.ring.store(nullptr, std::memory_order_release);
      settle_();
      stop_ = true;
      thread_.join();
      result_.missed = tap_.missed;
      for (auto& file : files_) {
        file.reset();
      }
    }
    return result_;
  }

  ~Writer() { stop(); }

 private:
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
    const auto since = std::chrono::duration<double>(static_cast<double>(meta.when - started_tsc_) /
                                                     static_cast<double>(rte_get_tsc_hz()));
    const auto when = std::chrono::duration_cast<std::chrono::microseconds>(
        started_.time_since_epoch() + std::chrono::duration_cast<std::chrono::system_clock::duration>(since));
    std::array<std::uint8_t, snapshot_bytes> together;
    const std::uint32_t bytes = std::min<std::uint32_t>(packet->pkt_len, together.size());
    pcap_pkthdr header{};
    header.ts.tv_sec = when.count() / 1'000'000;
    header.ts.tv_usec = when.count() % 1'000'000;
    header.caplen = bytes;
    header.len = packet->pkt_len;
    const void* data = rte_pktmbuf_read(packet, 0, bytes, together.data());
    pcap_dump(reinterpret_cast<u_char*>(files_[static_cast<std::size_t>(meta.side)].get()), &header,
              static_cast<const u_char*>(data));
    (meta.side == CaptureSide::received ? result_.received : result_.transmitted) += 1;
  }

  CaptureTap& tap_;
  std::function<void()> settle_;
  Mempool pool_;
  std::unique_ptr<rte_ring, FreeRing> ring_;
  std::unique_ptr<pcap_t, ClosePcap> handle_;
  std::array<std::unique_ptr<pcap_dumper_t, ClosePcap>, 2> files_;
  std::uint64_t started_tsc_ = 0;
  std::chrono::system_clock::time_point started_;
  std::atomic<bool> stop_{false};
  CaptureResult result_;
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

CaptureResult Capture::stop() { return writer_->stop(); }

}  // namespace braidway::dataplane
