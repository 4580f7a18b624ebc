// One of the two ends: of each QP the half that sends requests, the half that answers them, or both. With
// both, requests, acknowledgements and responses of a QP share a flow each way, as between real hosts. Owner:
// one thread. No allocation after construction.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "bench/traffic/requester.hpp"
#include "bench/traffic/responder.hpp"

namespace braidway::bench::traffic {

enum class Role : std::uint8_t { requests, responds, both };

class Host {
 public:
  /// `out`: frames that this end sends. `in`: those that it gets.
  Host(Role role, const Schedule& schedule, const Pace& pace, Channel& out, Channel& in) {
    if (role != Role::responds) requester_.emplace(schedule, pace, out, in);
    if (role != Role::requests) responder_.emplace(schedule, in, out);
  }

  /// Time-outs and silences; call at least every millisecond.
  void tick(lb::Nanoseconds now) noexcept {
    if (requester_) requester_->tick(now);
  }
  /// Takes a frame that came from the other end.
  void receive(lb::Nanoseconds now, std::span<const std::byte> bytes) noexcept {
    // What is none of ours either half will find out.
    if (requester_ && (!responder_ || is_response(bytes))) {
      requester_->receive(now, bytes);
    } else if (responder_) {
      responder_->receive(bytes);
    }
  }
  /// Writes the next frame into `buffer`; 0 where there is nothing to send. The halves take turns.
  std::size_t poll(lb::Nanoseconds now, std::span<std::byte> buffer) noexcept {
    answers_next_ = !answers_next_;
    for (const bool answers : {answers_next_, !answers_next_}) {
      std::size_t written = 0;
      if (answers && responder_) written = responder_->poll(buffer);
      if (!answers && requester_) written = requester_->poll(now, buffer);
      if (written > 0) return written;
    }
    return 0;
  }
  /// Begin no further message.
  void stop() noexcept {
    if (requester_) requester_->stop();
  }
  bool drained() const noexcept {
    return (!requester_ || requester_->drained()) && (!responder_ || responder_->idle());
  }

  const Requester* requester() const noexcept { return requester_ ? &*requester_ : nullptr; }
  const Responder* responder() const noexcept { return responder_ ? &*responder_ : nullptr; }

 private:
  std::optional<Requester> requester_;
  std::optional<Responder> responder_;
  bool answers_next_ = false;
};

}  // namespace braidway::bench::traffic
