// Where models are refitted: a TBB arena on the control cores.
//
// TBB takes the number of its threads from the affinity of the thread that first asks for it, and its threads
// inherit that of the one that starts them. Both are the slow loop's here, which runs on the control cores:
// so the number is told, and each thread that enters is put there and looked after (section 4 of the design).
//
// Owner: the slow loop's thread.
#pragma once

#include <cstddef>
#include <sched.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <tbb/task_scheduler_observer.h>

namespace braidway::ctrl::forecast {

class Refits {
 public:
  /// On the cores that the caller may run on.
  Refits();

  /// Calls `refit(i)` for each i below `count`, and returns when all are done.
  template <typename Refit>
  void run(std::size_t count, const Refit& refit) {
    arena_.execute([&] { tbb::parallel_for(std::size_t{0}, count, refit); });
  }
  [[nodiscard]] int threads() const noexcept { return threads_; }

 private:
  /// Keeps TBB's threads on the cores while they are in the arena.
  class Pin : public tbb::task_scheduler_observer {
   public:
    Pin(tbb::task_arena& arena, const cpu_set_t& cores);
    ~Pin() override { observe(false); }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    void on_scheduler_entry(bool is_worker) override;

   private:
    cpu_set_t cores_;
  };

  cpu_set_t cores_{};
  int threads_;
  tbb::global_control limit_;
  tbb::task_arena arena_;
  Pin pin_;
};

}  // namespace braidway::ctrl::forecast
