// The policy a peer is really steered by: the configured one, or a safer one while that would not do.
//
// Step-down. Paths that are out (dead, lossy, far behind the others) leave by themselves. Only when half of
// the peer's paths have been out for 10 ms the policy goes a step down: spray and automatic to reroute, that
// to idle_move, that to pinned; and further with every 10 ms more. Back up it goes a step at a time, each
// after a second of health, which doubles whenever a step up was followed by one down.
//
// Do no harm. Hosts send NAKs where packets are missing or out of order. Where those behind the peer send
// more of them than under `pinned`, and go on for 10 ms, the peer is pinned, and what was configured is tried
// again after a second, then two, four, ... NAKs from before a path went out are that path's and do not
// count. How many are sent under `pinned` is not known before it was in force: until then it is what hosts
// send on a network that loses nothing. When a peer is pinned, whatever for, its NAKs are counted, and that
// is compared with from then on; so NAKs that are not our doing pin a peer once. Fewer under a bolder policy
// lower it, slowly.
//
// Pure; owner: whoever handles the peer's messages. Allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lb/policy.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

enum class PolicyCause : std::uint8_t {
  paths_out,   ///< half of the paths have been out for long
  paths_back,  ///< they have been back for long
  harm,        ///< more NAKs than under `pinned`
  retry,       ///< it has been pinned for that long enough
};

/// A change of the policy in force, for the event log.
struct PolicyEvent {
  Nanoseconds at{};
  Policy from{};
  Policy to{};
  PolicyCause cause{};
  friend constexpr bool operator==(const PolicyEvent&, const PolicyEvent&) = default;
};

class PolicyGovernor {
 public:
  struct Parameters {
    /// Half of the paths must be out for so long: a hundred messages, above any burst of a receiver's.
    Nanoseconds out_for{10'000'000};
    /// Health before a step up, at first and at most: above what the paths' weights take to settle, 100 ms.
    Nanoseconds well_for{1'000'000'000};
    Nanoseconds well_longest{60'000'000'000};
    /// NAKs a packet that hosts send where nothing is lost or disordered: bit errors and slow receivers.
    double naks_expected = 1e-5;
    /// Harm is so many times what is sent under `pinned`, and so many NAKs more: not by chance (4 deviations
    /// of a Poisson process), and soon enough to be worth it.
    double harm_factor = 2;
    double harm_least = 20;
    /// It must last so long: a path that loses is out in half of that, and then its NAKs are forgotten.
    Nanoseconds harm_for{10'000'000};
    /// Packets over which NAKs are counted: 10 ms of 100 Gbit/s.
    std::uint64_t judged_packets = 100'000;
    /// How much of what is known of NAKs under `pinned` a count under it replaces, and one under a bolder
    /// policy that saw fewer: a quiet minute says little about the next one.
    double learning = 1.0 / 8;
    double forgetting = 1.0 / 4'096;
    /// For so long after a change, or after a path went out, NAKs are still those of the policy before: round
    /// trips of full queues.
    Nanoseconds settling{2'000'000};
    /// How long a harmed peer stays pinned, at first and at most.
    Nanoseconds retry_after{1'000'000'000};
    Nanoseconds retry_longest{3'600'000'000'000};
  };

  explicit PolicyGovernor(Policy configured) : PolicyGovernor(configured, Parameters{}) {}
  /// Throws std::invalid_argument for what it cannot work with.
  PolicyGovernor(Policy configured, const Parameters& parameters);

  /// What went to the peer and what NAKs its hosts sent since the last call.
  void count(std::uint64_t packets, std::uint64_t naks, Nanoseconds now) noexcept;
  /// Time, and how many of the peer's paths are out. To be called at least each millisecond. Answers the
  /// change if there is one.
  std::optional<PolicyEvent> advance(std::size_t out, std::size_t paths, Nanoseconds now) noexcept;

  /// The policy in force.
  [[nodiscard]] Policy policy() const noexcept { return policy_; }
  /// NAKs a packet under `pinned`, as far as is known.
  [[nodiscard]] double naks_pinned() const noexcept { return naks_pinned_; }

 private:
  std::optional<PolicyEvent> change(PolicyCause cause, Nanoseconds now) noexcept;
  [[nodiscard]] bool harms() const noexcept;
  void learn() noexcept;
  void forget(Nanoseconds now) noexcept;

  Parameters parameters_;
  Policy configured_;
  Policy policy_;
  // Step-down.
  unsigned steps_ = 0;  ///< down from the configured policy
  bool half_out_ = false;
  Nanoseconds since_{};  ///< of `half_out_`, or the last step
  Nanoseconds well_for_;
  std::optional<Nanoseconds> stepped_up_at_;
  // Harm.
  bool harmed_ = false;
  std::size_t out_ = 0;
  std::optional<Nanoseconds> harms_since_;
  Nanoseconds retry_at_{};
  Nanoseconds retry_after_;
  std::optional<Nanoseconds> retried_at_;
  double naks_pinned_;
  bool learnt_ = false;        ///< `naks_pinned_` has been counted
  std::uint64_t packets_ = 0;  ///< counted under the policy in force
  std::uint64_t naks_ = 0;
  Nanoseconds counted_from_{};
};

}  // namespace braidway::lb
