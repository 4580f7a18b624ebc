#include "bench/fabric/workload/collectives.hpp"

#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bench/fabric/random.hpp"

namespace braidway::bench::fabric {
namespace {

/// So that a simulation of the same seed makes other choices.
constexpr std::uint64_t random_stream = 0x7065'726d'7574'6521;

Job& new_job(Workload& workload, std::string name, std::span<const NodeIndex> hosts, std::uint32_t bytes) {
  if (hosts.size() < 2) throw std::invalid_argument(name + " needs two hosts or more");
  if (bytes == 0) throw std::invalid_argument(name + " of no bytes");
  workload.jobs.push_back({.name = std::move(name), .start = 0, .tasks = {}});
  return workload.jobs.back();
}

/// A host's chunk; the first ones are a byte larger where it does not come out even, none is empty.
std::uint32_t chunk_bytes(std::uint32_t bytes, std::size_t chunks, std::size_t chunk) {
  const auto count = static_cast<std::uint32_t>(chunks);
  return std::max(1U, bytes / count + (chunk < bytes % count ? 1U : 0U));
}

}  // namespace

Job& add_permutation(Workload& workload, std::span<const NodeIndex> hosts, std::uint32_t bytes,
                     std::uint64_t seed) {
  Job& job = new_job(workload, "permutation", hosts, bytes);
  // Sattolo's algorithm: one cycle through all, so that nobody sends to himself.
  Random random{seed ^ random_stream};
  std::vector<std::size_t> to(hosts.size());
  std::iota(to.begin(), to.end(), std::size_t{0});
  for (std::size_t i = to.size() - 1; i > 0; --i) {
    std::swap(to[i], to[random.below(static_cast<std::uint32_t>(i))]);
  }
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    job.add({.flow = workload.add_flow(hosts[i], hosts[to[i]], bytes)});
  }
  return job;
}

Job& add_incast(Workload& workload, std::span<const NodeIndex> hosts, std::uint32_t bytes) {
  Job& job = new_job(workload, "incast", hosts, bytes);
  for (const NodeIndex host : hosts.subspan(1)) {
    job.add({.flow = workload.add_flow(host, hosts.front(), bytes)});
  }
  return job;
}

Job& add_all_to_all(Workload& workload, std::span<const NodeIndex> hosts, std::uint32_t bytes) {
  Job& job = new_job(workload, "all-to-all", hosts, bytes);
  // Hosts serve their queue pairs in order of the flows.
  for (std::size_t shift = 1; shift < hosts.size(); ++shift) {
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      job.add({.flow = workload.add_flow(hosts[i], hosts[(i + shift) % hosts.size()], bytes)});
    }
  }
  return job;
}

Job& add_ring_all_reduce(Workload& workload, std::span<const NodeIndex> hosts, std::uint32_t bytes) {
  Job& job = new_job(workload, "ring all-reduce", hosts, bytes);
  append_ring_all_reduce(workload, job, hosts, bytes, {});
  return job;
}

TaskOfHost append_ring_all_reduce(Workload& workload, Job& job, std::span<const NodeIndex> hosts,
                                  std::uint32_t bytes, const TaskOfHost& after) {
  const std::size_t count = hosts.size();
  TaskOfHost received;  // by receiver, in the last step
  for (std::size_t step = 0; step < 2 * (count - 1); ++step) {
    TaskOfHost next(count);
    for (std::size_t i = 0; i < count; ++i) {
      // Host i begins with chunk i and passes on what it received last.
      const std::size_t chunk = (i + 2 * count - step) % count;
      const std::size_t to = (i + 1) % count;
      Task task{.flow = workload.add_flow(hosts[i], hosts[to], chunk_bytes(bytes, count, chunk))};
      if (step > 0) {
        task.after = {received[i]};
      } else if (!after.empty()) {
        task.after = {after[i]};
      }
      next[to] = job.add(std::move(task));
    }
    received = std::move(next);
  }
  return received;
}

Job& add_tree_all_reduce(Workload& workload, std::span<const NodeIndex> hosts, std::uint32_t bytes,
                         std::uint32_t chunks) {
  Job& job = new_job(workload, "tree all-reduce", hosts, bytes);
  append_tree_all_reduce(workload, job, hosts, bytes, chunks);
  return job;
}

void append_tree_all_reduce(Workload& workload, Job& job, std::span<const NodeIndex> hosts,
                            std::uint32_t bytes, std::uint32_t chunks) {
  if (chunks == 0 || chunks > bytes) throw std::invalid_argument("tree all-reduce in chunks of no bytes");
  const std::size_t count = hosts.size();
  std::vector<TaskIndex> up(count, nobody);    // what a host sent up last, for the chunks' order
  std::vector<TaskIndex> down(count, nobody);  // what it was sent last
  for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
    const std::uint32_t size = chunk_bytes(bytes, chunks, chunk);
    std::vector<std::vector<TaskIndex>> sums(count);  // tasks that bring a host its children's sums
    for (std::size_t i = count - 1; i > 0; --i) {
      const std::size_t parent = (i - 1) / 2;
      Task task{.flow = workload.add_flow(hosts[i], hosts[parent], size), .after = sums[i]};
      if (up[i] != nobody) task.after.push_back(up[i]);
      up[i] = job.add(std::move(task));
      sums[parent].push_back(up[i]);
    }
    std::vector<std::vector<TaskIndex>> total(count);  // tasks that bring a host the total
    total[0] = sums[0];
    for (std::size_t i = 1; i < count; ++i) {
      const std::size_t parent = (i - 1) / 2;
      Task task{.flow = workload.add_flow(hosts[parent], hosts[i], size), .after = total[parent]};
      if (down[i] != nobody) task.after.push_back(down[i]);
      down[i] = job.add(std::move(task));
      total[i] = {down[i]};
    }
  }
}

}  // namespace braidway::bench::fabric
