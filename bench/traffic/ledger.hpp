// What became of every frame of one direction. The sending end enters each frame as it leaves, the receiving
// end as it arrives; a frame is known by its ICRC, which covers everything that must not change on the way.
// Per flow (= destination QP) the last frames are kept in the order they were sent in, so "reordered" is
// exact: a frame came after one that was sent later. Owner: the one thread that runs both ends. No allocation
// after construction.
#pragma once

#include <cstdint>
#include <vector>

namespace braidway::bench::traffic {

class Ledger {
 public:
  enum class Verdict : std::uint8_t {
    in_order,
    reordered,  ///< overtaken by a frame that was sent after it
    duplicate,  ///< arrived more often than it was sent
    unknown,    ///< never sent, or so long ago that it is forgotten
  };

  /// `depth`: frames of one flow that may be under way at a time; rounded up to a power of two.
  Ledger(std::uint32_t flows, std::uint32_t depth);

  void sent(std::uint32_t flow, std::uint32_t icrc) noexcept;
  /// Byte-identical copies (retransmissions over IPv6) count for the latest that could be meant: in order if
  /// possible.
  Verdict arrived(std::uint32_t flow, std::uint32_t icrc) noexcept;

  /// Frames that were sent to this flow, modulo 2^32.
  std::uint32_t sent_to(std::uint32_t flow) const noexcept { return flows_[flow].sent; }
  std::uint64_t sent() const noexcept { return sent_; }
  std::uint64_t delivered() const noexcept { return delivered_; }  ///< each sent frame at most once
  std::uint64_t reordered() const noexcept { return reordered_; }
  std::uint64_t duplicates() const noexcept { return duplicates_; }
  std::uint64_t unknown() const noexcept { return unknown_; }

 private:
  struct Flow {
    std::uint32_t sent = 0;     ///< next index to send
    std::uint32_t arrived = 0;  ///< one past the highest index that has arrived
  };
  std::uint32_t& entry(std::uint32_t flow, std::uint32_t index) noexcept {
    return entries_[static_cast<std::size_t>(flow) * (mask_ + 1) + (index & mask_)];
  }

  std::uint32_t mask_;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> entries_;  ///< ICRC, its lowest bit replaced by "has arrived"
  std::uint64_t sent_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t reordered_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t unknown_ = 0;
};

}  // namespace braidway::bench::traffic
