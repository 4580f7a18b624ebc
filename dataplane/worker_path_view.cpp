#include "dataplane/worker_path_view.hpp"

#include <rte_cycles.h>
#include <rte_ring_elem.h>

namespace braidway::dataplane {
namespace {

constexpr double mbps_per_byte_ns = 8'000;

}  // namespace

lb::Nanoseconds WorkerPathView::now() const noexcept { return workers_.front()->lane().time_at(rte_rdtsc()); }

std::size_t WorkerPathView::take_feedbacks(std::span<HeardFeedback> out) noexcept {
  return rte_ring_sc_dequeue_burst_elem(rings_.feedbacks(), out.data(), sizeof(HeardFeedback),
                                        static_cast<unsigned>(out.size()), nullptr);
}

void WorkerPathView::read(std::span<PathReading> out) const noexcept {
  const auto& paths = settings_.peers.front().paths;
  for (std::size_t i = 0; i < out.size(); ++i) {
    PathReading& reading = out[i];
    reading = {.reactive = link_.paths[i].reactive.load(std::memory_order_relaxed),
               .share = link_.paths[i].share.load(std::memory_order_relaxed)};
    for (const auto& lane : link_.lane_news) reading.sent += lane->sent.total(static_cast<lb::PathId>(i));
    for (const auto& worker : workers_) reading.held += worker->lane().tx[paths[i].port].held.get();
  }
}

void WorkerPathView::read_rates(std::span<double> out) const noexcept {
  const auto& paths = settings_.peers.front().paths;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint32_t mbps =
        paths[i].rate_mbps != 0 ? paths[i].rate_mbps : ports_[paths[i].port]->speed_mbps();
    out[i] = mbps / mbps_per_byte_ns;
  }
}

void WorkerPathView::tell(std::span<const float> biases) noexcept {
  for (std::size_t i = 0; i < biases.size(); ++i) {
    link_.foresight.biases[i].store(biases[i], std::memory_order_relaxed);
  }
  link_.foresight.version.fetch_add(1, std::memory_order_release);
}

}  // namespace braidway::dataplane
