// What the slow loop sees of the paths to the peer, and what it tells about them: the seam between a thread
// of ctrl and the workers, none of which it can hold up (worker_path_view.hpp).
//
// Owner: the slow loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/heard_feedback.hpp"
#include "lb/types.hpp"

namespace braidway::dataplane {

/// One path as it is now.
struct PathReading {
  float reactive = 1;      ///< share of its weight without what is forecast of it; 0: it is not usable
  float share = 1;         ///< the same with it, as in force
  std::uint32_t sent = 0;  ///< packets to the peer; wraps
  std::uint64_t held = 0;  ///< packets that its port did not take at once
};

class PathView {
 public:
  PathView() = default;
  virtual ~PathView() = default;
  PathView(const PathView&) = delete;
  PathView& operator=(const PathView&) = delete;

  /// Now, on the clock of the lanes.
  [[nodiscard]] virtual lb::Nanoseconds now() const noexcept = 0;
  /// Takes what the peer has said; returns how much.
  virtual std::size_t take_feedbacks(std::span<HeardFeedback> out) noexcept = 0;
  /// Reads what the lanes have counted. `out`: by path.
  virtual void read(std::span<PathReading> out) const noexcept = 0;
  /// By path, bytes a nanosecond: as configured, or as the port's driver last said; 0: nobody knows.
  virtual void read_rates(std::span<double> out) const noexcept = 0;

  /// The loop goes on: what it last told is still meant.
  virtual void go_on() noexcept = 0;
  /// By path: what its share is to be multiplied by from now on.
  virtual void tell(std::span<const float> biases) noexcept = 0;
};

}  // namespace braidway::dataplane
