#include "bench/fabric/workload/training.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/fabric/workload/collectives.hpp"

namespace braidway::bench::fabric {
namespace {

/// Writes down one job's iterations, each host's tasks one after the other.
class Iterations {
 public:
  Iterations(Workload& workload, Job& job, std::span<const NodeIndex> hosts, const TrainingShape& shape)
      : workload_(&workload), job_(&job), hosts_(hosts), shape_(&shape), last_(hosts.size(), nobody) {}

  void add() {
    for (std::uint32_t replica = 0; replica < shape_->replicas; ++replica) {
      // Forward from the first stage to the last, then back.
      run_pipeline(replica, shape_->forward, true);
      run_pipeline(replica, 2 * shape_->forward, false);
    }
    if (shape_->replicas < 2) return;
    for (std::uint32_t stage = 0; stage < shape_->stages; ++stage) reduce(stage);
  }

 private:
  [[nodiscard]] std::size_t place(std::uint32_t replica, std::uint32_t stage) const {
    return std::size_t{replica} * shape_->stages + stage;
  }

  void run_pipeline(std::uint32_t replica, Nanoseconds compute, bool forward) {
    for (std::uint32_t batch = 0; batch < shape_->micro_batches; ++batch) {
      TaskIndex received = nobody;
      for (std::uint32_t i = 0; i < shape_->stages; ++i) {
        const std::uint32_t stage = forward ? i : shape_->stages - 1 - i;
        const std::size_t host = place(replica, stage);
        Task task{.compute = compute};
        for (const TaskIndex before : {last_[host], received}) {
          if (before != nobody) task.after.push_back(before);
        }
        last_[host] = job_->add(std::move(task));
        if (i + 1 == shape_->stages) break;
        const std::size_t next = place(replica, forward ? stage + 1 : stage - 1);
        received =
            job_->add({.flow = workload_->add_flow(hosts_[host], hosts_[next], shape_->activation_bytes),
                       .after = {last_[host]}});
      }
    }
  }

  void reduce(std::uint32_t stage) {
    std::vector<NodeIndex> ring;
    TaskOfHost after;
    for (std::uint32_t replica = 0; replica < shape_->replicas; ++replica) {
      ring.push_back(hosts_[place(replica, stage)]);
      after.push_back(last_[place(replica, stage)]);
    }
    const TaskOfHost received =
        append_ring_all_reduce(*workload_, *job_, ring, shape_->gradient_bytes, after);
    for (std::uint32_t replica = 0; replica < shape_->replicas; ++replica) {
      last_[place(replica, stage)] = received[replica];
    }
  }

  Workload* workload_;
  Job* job_;
  std::span<const NodeIndex> hosts_;
  const TrainingShape* shape_;
  std::vector<TaskIndex> last_;  ///< what a host did last
};

}  // namespace

Job& add_training(Workload& workload, std::span<const NodeIndex> hosts, const TrainingShape& shape,
                  Nanoseconds start) {
  if (shape.replicas == 0 || shape.stages == 0 || shape.micro_batches == 0 || shape.iterations == 0 ||
      shape.activation_bytes == 0 || shape.gradient_bytes == 0 || shape.forward < 0) {
    throw std::invalid_argument("a training job with nothing of something");
  }
  if (hosts.size() != std::size_t{shape.replicas} * shape.stages) {
    throw std::invalid_argument("a training job of " + std::to_string(shape.replicas) + " x " +
                                std::to_string(shape.stages) + " hosts on " + std::to_string(hosts.size()));
  }
  workload.jobs.push_back({.name = "training", .start = start, .tasks = {}});
  Job& job = workload.jobs.back();
  Iterations iterations{workload, job, hosts, shape};
  for (std::uint32_t i = 0; i < shape.iterations; ++i) iterations.add();
  return job;
}

}  // namespace braidway::bench::fabric
