#include "ctrl/forecast/refits.hpp"

#include <algorithm>
#include <pthread.h>

namespace braidway::ctrl::forecast {
namespace {

/// More than this there is no work for: a refit takes a fraction of a millisecond.
constexpr int most_threads = 8;

cpu_set_t own_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  pthread_getaffinity_np(pthread_self(), sizeof cores, &cores);
  return cores;
}

}  // namespace

Refits::Pin::Pin(tbb::task_arena& arena, const cpu_set_t& cores)
    : tbb::task_scheduler_observer(arena), cores_(cores) {
  observe(true);
}

void Refits::Pin::on_scheduler_entry(bool is_worker) {
  if (!is_worker) return;
  pthread_setaffinity_np(pthread_self(), sizeof cores_, &cores_);
  pthread_setname_np(pthread_self(), "refit");
}

Refits::Refits()
    : cores_(own_cores()),
      threads_(std::clamp(CPU_COUNT(&cores_), 1, most_threads)),
      limit_(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads_)),
      arena_(threads_),
      pin_(arena_, cores_) {}

}  // namespace braidway::ctrl::forecast
