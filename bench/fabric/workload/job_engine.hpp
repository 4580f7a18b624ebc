// Plays jobs: says which tasks are to be started when, and when a job is done. The simulator keeps the clock
// and tells it what has happened. Owner: the thread of its simulation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bench/fabric/event_queue.hpp"
#include "bench/fabric/workload/job.hpp"

namespace braidway::bench::fabric {

class JobEngine {
 public:
  /// `jobs` must outlive this. Throws std::invalid_argument where a task waits for itself, for one that is
  /// not there, or sends a flow that is not one of the `flows` last of the list or is another task's.
  JobEngine(std::span<const Job> jobs, std::span<const Flow> flows);

  /// Schedules a task_ready event for each task that waits for none.
  void begin(EventQueue& events);
  /// The task of a task_ready event has computed. Its flow, which is to be started now; nobody if it has
  /// none.
  FlowIndex ready(std::uint32_t task, EventQueue& events);
  /// A flow is complete; flows of no task are let pass.
  void flow_complete(FlowIndex flow, EventQueue& events);

  [[nodiscard]] bool done() const noexcept { return tasks_left_ == 0; }
  /// When the last task of a job was done.
  [[nodiscard]] Nanoseconds completed_at(std::size_t job) const noexcept { return completed_at_[job]; }

 private:
  struct State {
    Nanoseconds compute;
    FlowIndex flow;
    std::uint32_t job;
    std::uint32_t waits_for;                ///< tasks not done yet
    std::vector<std::uint32_t> successors;  ///< by number over all jobs
  };

  void check_acyclic() const;
  void task_done(std::uint32_t task, EventQueue& events);

  std::span<const Job> jobs_;
  std::vector<State> tasks_;            ///< of all jobs, one job behind the other
  std::vector<std::uint32_t> task_of_;  ///< by flow; nobody where no task sends it
  std::vector<Nanoseconds> completed_at_;
  std::size_t tasks_left_;
};

}  // namespace braidway::bench::fabric
