#include "bench/fabric/workload/job_engine.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace braidway::bench::fabric {

JobEngine::JobEngine(std::span<const Job> jobs, std::span<const Flow> flows)
    : jobs_(jobs), task_of_(flows.size(), nobody), completed_at_(jobs.size()) {
  for (std::uint32_t number = 0; number < jobs.size(); ++number) {
    const Job& job = jobs[number];
    const auto first = static_cast<std::uint32_t>(tasks_.size());
    for (const Task& task : job.tasks) {
      const auto index = static_cast<std::uint32_t>(tasks_.size());
      const std::string name = "task " + std::to_string(index - first) + " of job " + job.name;
      if (task.flow != nobody) {
        if (task.flow >= flows.size() || flows[task.flow].start != when_ready ||
            task_of_[task.flow] != nobody)
          throw std::invalid_argument(name + " sends flow " + std::to_string(task.flow) +
                                      ", which it cannot");
        task_of_[task.flow] = index;
      }
      for (const TaskIndex before : task.after) {
        if (before >= job.tasks.size())
          throw std::invalid_argument(name + " waits for task " + std::to_string(before) +
                                      ", which is not there");
      }
      tasks_.push_back({task.compute, task.flow, number, static_cast<std::uint32_t>(task.after.size()), {}});
    }
    for (std::uint32_t i = 0; i < job.tasks.size(); ++i) {
      for (const TaskIndex before : job.tasks[i].after)
        tasks_[first + before].successors.push_back(first + i);
    }
    completed_at_[number] = job.start;
  }
  tasks_left_ = tasks_.size();
  check_acyclic();
}

void JobEngine::check_acyclic() const {
  std::vector<std::uint32_t> waits(tasks_.size());
  std::vector<std::uint32_t> free;
  for (std::uint32_t i = 0; i < tasks_.size(); ++i) {
    waits[i] = tasks_[i].waits_for;
    if (waits[i] == 0) free.push_back(i);
  }
  for (std::size_t i = 0; i < free.size(); ++i) {
    for (const std::uint32_t next : tasks_[free[i]].successors) {
      if (--waits[next] == 0) free.push_back(next);
    }
  }
  if (free.size() == tasks_.size()) return;
  const auto stuck = std::ranges::find_if(waits, [](std::uint32_t count) { return count > 0; });
  const State& task = tasks_[static_cast<std::size_t>(stuck - waits.begin())];
  throw std::invalid_argument("job " + jobs_[task.job].name + " has tasks that wait for each other");
}

void JobEngine::begin(EventQueue& events) {
  for (std::uint32_t i = 0; i < tasks_.size(); ++i) {
    if (tasks_[i].waits_for != 0) continue;
    events.schedule(jobs_[tasks_[i].job].start + tasks_[i].compute, {EventKind::task_ready, i, 0});
  }
}

FlowIndex JobEngine::ready(std::uint32_t task, EventQueue& events) {
  if (tasks_[task].flow == nobody) task_done(task, events);
  return tasks_[task].flow;
}

void JobEngine::flow_complete(FlowIndex flow, EventQueue& events) {
  if (task_of_[flow] != nobody) task_done(task_of_[flow], events);
}

void JobEngine::task_done(std::uint32_t task, EventQueue& events) {
  --tasks_left_;
  completed_at_[tasks_[task].job] = events.now();
  for (const std::uint32_t next : tasks_[task].successors) {
    if (--tasks_[next].waits_for == 0)
      events.schedule(events.now() + tasks_[next].compute, {EventKind::task_ready, next, 0});
  }
}

}  // namespace braidway::bench::fabric
