// What is known of a peer beside the table's paths to it: what its messages say, for the lanes, and what the
// lanes have sent, for the messages; or what hosts' return traffic says (return_control.hpp). Relaxed
// atomics: a lane may act by what was known a burst ago.
//
// One lane of the gateway, the first, handles the peer's messages (messenger.hpp) or judges the returns.
// Outlives the workers. All memory at construction.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/sent_counts.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/treatments.hpp"
#include "lb/path_health.hpp"
#include "lb/policy.hpp"
#include "lb/types.hpp"
#include "telemetry/counter.hpp"
#include "telemetry/message.hpp"
#include "telemetry/return_traffic.hpp"
#include "telemetry/source_clock.hpp"

namespace braidway::dataplane {

/// Of the path to the peer and of the path from it that have one number. One cache line.
struct alignas(64) PathSignal {
  std::atomic<float> share{1};     ///< of its weight in the path table that it may be given; 0: none
  std::atomic<float> reactive{1};  ///< the same without what is forecast of it
  std::atomic<float> delay_ns{0};  ///< of it, above the other paths'
  std::atomic<lb::PathState> state{lb::PathState::live};
  std::atomic<bool> blocked{false};    ///< we have heard ourselves by it: the strand is a loop
  std::atomic<bool> from_dead{false};  ///< nothing comes from the peer by it, and something does by others
  telemetry::Counter lost;             ///< packets known to be lost on the way to the peer
  /// Of the busiest hop on the way to the peer, as telemetry::PathRecord has it.
  std::atomic<std::uint8_t> utilisation{telemetry::utilisation_not_told};
};

/// Answers whether it was another value.
template <typename T>
bool change(std::atomic<T>& place, T to) noexcept {
  if (place.load(std::memory_order_relaxed) == to) return false;
  place.store(to, std::memory_order_relaxed);
  return true;
}

/// What one lane tells whoever handles the messages, or the returns.
struct alignas(64) LaneNews {
  explicit LaneNews(std::size_t path_count) : sent(path_count) {}

  SentCounts sent;                                    ///< tagged packets
  std::unique_ptr<telemetry::ReturnTraffic> returns;  ///< none: they are not heeded
  telemetry::Counter naks;  ///< that hosts behind the peer have sent for packets missing or out of order
};

/// What the slow loop expects of the paths, for who handles the messages. It counts only as long as the loop
/// goes on: a forecast is soon over.
struct Foresight {
  explicit Foresight(std::size_t paths) : biases(paths) {
    for (auto& bias : biases) bias.store(1, std::memory_order_relaxed);
  }

  std::vector<std::atomic<float>> biases;  ///< by path: what its share is to be multiplied by
  std::atomic<std::uint32_t> version{0};   ///< grows with each change of them, after it
  std::atomic<std::uint32_t> ticks{0};     ///< of the loop, while it applies its forecasts
};

struct PeerLink {
  /// `flows`: that each lane remembers in either direction.
  PeerLink(const PeerSettings& peer, std::size_t lanes, std::size_t flows = MemorySettings{}.flows)
      : paths(peer.paths.size()),
        policy(boldest_policy(peer)),
        restores_order(!peer.messages && peer.stamping != Stamping::none),
        foresight(peer.paths.size()) {
    for (std::size_t i = 0; i < lanes; ++i) {
      lane_news.push_back(std::make_unique<LaneNews>(paths.size()));
      if (peer.heeds_returns) {
        lane_news.back()->returns = std::make_unique<telemetry::ReturnTraffic>(
            paths.size(), telemetry::ReturnTraffic::Parameters{.flows = flows});
      }
    }
  }

  // Written by who handles the messages, read by all lanes.
  telemetry::SourceClock clock;
  std::vector<PathSignal> paths;   ///< by path
  std::atomic<lb::Policy> policy;  ///< in force
  /// The peer has said so; or, where there are no messages, the operator.
  std::atomic<bool> restores_order;
  std::atomic<std::int64_t> congested_ns{
      INT64_MIN};                         ///< when most paths from the peer were last seen to be late
  std::atomic<std::uint32_t> version{1};  ///< grows with each change of the above but for the clock
  std::atomic<std::uint32_t> boots{0};    ///< of the peer, as far as they were witnessed

  // Written by the control thread, read by who handles the messages.
  Foresight foresight;

  // Written by its lane, read by who handles the messages.
  std::vector<std::unique_ptr<LaneNews>> lane_news;
};

}  // namespace braidway::dataplane
