// A training job with pipeline and data parallelism: bursts of traffic with gaps of computation between them.
// Hosts are a grid of replicas x stages. In each iteration (GPipe's schedule: Huang et al., NeurIPS 2019) the
// micro-batches go forward through a replica's stages, each stage sending its activations to the next, then
// backward with the gradients of those; then the replicas of each stage all-reduce their gradients in a ring.
// Any thread.
#pragma once

#include <cstdint>
#include <span>

#include "bench/fabric/workload/job.hpp"

namespace braidway::bench::fabric {

struct TrainingShape {
  std::uint32_t replicas = 4;
  std::uint32_t stages = 2;
  std::uint32_t micro_batches = 4;
  std::uint32_t iterations = 3;
  std::uint32_t activation_bytes = 500'000;  ///< from a stage to the next, a micro-batch
  std::uint32_t gradient_bytes = 4'000'000;  ///< of a stage
  Nanoseconds forward = 100'000;             ///< of a stage, a micro-batch; backward takes twice that
};

/// `hosts`: stage after stage of the first replica, then of the next; replicas x stages of them. Throws
/// std::invalid_argument for a shape or a number of hosts that cannot be.
Job& add_training(Workload& workload, std::span<const NodeIndex> hosts, const TrainingShape& shape,
                  Nanoseconds start);

}  // namespace braidway::bench::fabric
