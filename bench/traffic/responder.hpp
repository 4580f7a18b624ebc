// The server's half of RC (IBTA 9.7): checks every request against the schedule, answers READs and atomics,
// acknowledges what was asked for (one ACK for all of a QP that came in one burst) and sends one NAK for each
// gap. Answers leave in PSN order. Bytes in, bytes out. Owner: one thread. No allocation after construction.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bench/traffic/channel.hpp"
#include "bench/traffic/message.hpp"
#include "bench/traffic/qp_queue.hpp"

namespace braidway::bench::traffic {

class Responder {
 public:
  Responder(const Schedule& schedule, Channel& requests, Channel& responses);

  /// Takes a frame that came from the client.
  void receive(std::span<const std::byte> bytes) noexcept;
  /// Writes the next frame into `buffer`; 0 where there is nothing to send.
  std::size_t poll(std::span<std::byte> buffer) noexcept;

  bool idle() const noexcept { return ready_.empty(); }
  std::uint64_t bytes() const noexcept {
    return bytes_;
  }  ///< payload: WRITE and SEND in order, READ when answered
  std::uint64_t naks() const noexcept { return naks_; }
  std::uint64_t retransmitted() const noexcept { return retransmitted_; }  ///< responses sent again

 private:
  enum class Nak : std::uint8_t { none, due, sent };
  struct Qp {
    std::uint64_t expected = 0;  ///< position of the next request
    std::uint64_t answered = 0;  ///< everything before has been answered
    std::uint64_t high = 0;      ///< one past the highest response ever sent
    std::uint64_t restart = 0;   ///< where a response was asked for again
    std::uint64_t number = 0;    ///< what atomics have made of it
    bool ack_due = false;
    Nak nak = Nak::none;
  };

  bool right(const Channel::Arrival& arrival, const Segment& segment) noexcept;
  std::size_t answer(Qp& qp, std::uint32_t index, std::span<std::byte> buffer) noexcept;
  std::size_t send_response(Qp& qp, std::uint32_t index, std::span<std::byte> buffer) noexcept;
  std::size_t send_atomic_response(const Qp& qp, std::uint32_t index, std::uint64_t position,
                                   std::span<std::byte> buffer) noexcept;
  std::size_t send_acknowledgement(const Qp& qp, std::uint32_t index, std::uint64_t position,
                                   std::uint8_t syndrome, std::span<std::byte> buffer) noexcept;

  Segmenter segments_;
  Channel& requests_;
  Channel& responses_;
  std::vector<Qp> qps_;
  QpQueue ready_;
  std::uint32_t burst_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t naks_ = 0;
  std::uint64_t retransmitted_ = 0;
};

}  // namespace braidway::bench::traffic
