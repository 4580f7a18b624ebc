// The shared buffer of a switch: who is let in, who is told to pause. The accounting of the anchors'
// simulator, whose terms are Broadcom's. Only data counts. For n ports
//   shared (ingress) = buffer - headrooms - n x 8,384       pool (egress) = buffer - n x 8,384
//   pause   when an ingress port's bytes - 2,096 exceed 1/16 of what is left of shared, or it uses headroom
//   resume  16 B of pool later, no headroom in use
//   drop    at ingress beyond the headroom, at egress (lossy only) where a queue would exceed the free pool
// Pure. Owner: the thread of its simulation.
#pragma once

#include <algorithm>
#include <cstdint>

#include "bench/fabric/packet.hpp"
#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

/// What one port's arrivals occupy of its switch's buffer.
struct IngressUse {
  std::uint64_t bytes = 0;
  std::uint64_t headroom = 0;        ///< of these, taken while the shared buffer was full
  std::uint64_t headroom_limit = 0;  ///< bytes
};

class SwitchBuffer {
 public:
  static constexpr std::uint64_t port_reserve = std::uint64_t{8} * full_packet_bytes;
  static constexpr std::uint64_t ingress_minimum = std::uint64_t{2} * full_packet_bytes;
  static constexpr std::uint64_t egress_minimum = full_packet_bytes + 1;

  SwitchBuffer() = default;
  /// `bytes` must exceed what the ports reserve (see required()).
  SwitchBuffer(std::uint64_t bytes, std::uint64_t ports, std::uint64_t headrooms) noexcept
      : bytes_(bytes),
        shared_(bytes - headrooms - ports * port_reserve),
        pool_(bytes - ports * port_reserve) {}
  /// A buffer must be larger than this.
  static constexpr std::uint64_t required(std::uint64_t ports, std::uint64_t headrooms) noexcept {
    return headrooms + ports * port_reserve;
  }

  /// Whether a packet may enter. `queued`: data bytes in the egress queue; `lossy`: whether that limits.
  [[nodiscard]] bool admits(const IngressUse& ingress, std::uint64_t queued, std::uint64_t size,
                            bool lossy) const noexcept {
    if (lossy && pool_part(queued) + size + pool_used_ > pool_) return false;
    if (used_ + size > bytes_) return false;
    const bool beyond_minimum = ingress.bytes + size > full_packet_bytes;
    return !beyond_minimum || used_ <= shared_ || ingress.headroom + size <= ingress.headroom_limit;
  }
  /// A packet enters; `queued` as it is before.
  void enter(IngressUse& ingress, std::uint64_t queued, std::uint64_t size) noexcept {
    used_ += size;
    ingress.bytes += size;
    if (used_ > shared_) ingress.headroom += size;
    pool_used_ += pool_part(queued + size) - pool_part(queued);
  }
  /// A packet leaves; `queued` as it is before.
  void leave(IngressUse& ingress, std::uint64_t queued, std::uint64_t size) noexcept {
    used_ -= size;
    ingress.bytes -= size;
    ingress.headroom -= std::min(ingress.headroom, size);
    pool_used_ -= pool_part(queued) - pool_part(queued - size);
  }

  [[nodiscard]] bool must_pause(const IngressUse& ingress) const noexcept {
    if (ingress.bytes <= ingress_minimum) return false;
    return ingress.headroom != 0 || excess(ingress) * 16 > left();
  }
  [[nodiscard]] bool may_resume(const IngressUse& ingress) const noexcept {
    return ingress.headroom == 0 && (excess(ingress) * 16 < left() - 16);
  }

  [[nodiscard]] std::uint64_t shared() const noexcept { return shared_; }
  [[nodiscard]] std::uint64_t used() const noexcept { return used_; }
  /// What of an egress queue comes out of the pool: all but the queue's guaranteed bytes.
  static constexpr std::uint64_t pool_part(std::uint64_t queued) noexcept {
    return queued > egress_minimum ? queued - egress_minimum : 0;
  }

 private:
  [[nodiscard]] static std::int64_t excess(const IngressUse& ingress) noexcept {
    return static_cast<std::int64_t>(ingress.bytes) - static_cast<std::int64_t>(ingress_minimum);
  }
  [[nodiscard]] std::int64_t left() const noexcept {
    return static_cast<std::int64_t>(shared_) - static_cast<std::int64_t>(used_);
  }

  std::uint64_t bytes_ = 0;
  std::uint64_t shared_ = 0;
  std::uint64_t pool_ = 0;
  std::uint64_t used_ = 0;
  std::uint64_t pool_used_ = 0;
};

}  // namespace braidway::bench::fabric
