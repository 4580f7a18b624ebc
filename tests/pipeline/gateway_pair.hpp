// Two gateways that exchange messages, a wire of several paths between them, and hosts that send flows from
// one to the other, in virtual time. Paths have delays and may be cut; each gateway's clock is its own.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "tests/pipeline/lab.hpp"

namespace braidway::tests {

class GatewayPair {
 public:
  static constexpr std::int64_t us = 1'000;
  static constexpr std::int64_t ms = 1'000'000;
  static constexpr std::int64_t turn = 10 * us;

  explicit GatewayPair(std::uint16_t paths, std::uint16_t workers = 1);

  /// Until `duration` has passed. `packets`: of RC flows a turn from the host at the first end to that at the
  /// other.
  void run(std::int64_t duration, std::uint32_t packets = 0);
  /// The gateway at that end is gone, with what it held, and another life of it begins.
  void restart(std::size_t end);

  Lab& near() { return *ends_[0]; }
  Lab& far() { return *ends_[1]; }
  [[nodiscard]] std::int64_t now() const { return now_; }

  std::vector<std::int64_t> delay;  ///< by path, ns
  std::vector<bool> cut;            ///< by path: nothing passes, either way
  std::size_t flows = 8;            ///< of the host

  /// Of the wire from the first end on, by path: when a frame that is no message was last put on it.
  std::vector<std::int64_t> data_at;
  std::uint64_t lost = 0;       ///< frames of the hosts' on paths that were cut
  std::uint64_t sent = 0;       ///< by the host at the first end
  std::uint64_t received = 0;   ///< by the host at the other
  std::uint64_t backwards = 0;  ///< of these: after a later one of their flow
  std::uint64_t stamped = 0;    ///< frames on the wire with a number of their flow
  std::vector<Bytes> messages;  ///< payloads from the first end, all that were ever on the wire

 private:
  struct Flight {
    std::int64_t arrives;
    std::size_t path;
    Bytes frame;
  };

  void make(std::size_t end);
  void send_host_packets(std::uint32_t packets);
  void deliver(std::size_t end);
  void collect(std::size_t end);
  void receive_host_packets();

  std::uint16_t workers_;
  std::int64_t now_ = 1'000 * ms;
  std::array<std::uint64_t, 2> lives_{};
  std::array<std::unique_ptr<Lab>, 2> ends_;
  std::array<std::deque<Flight>, 2> wires_;  ///< towards each end
  std::vector<std::uint32_t> next_psn_;      ///< by flow, to be sent
  std::vector<std::int64_t> last_psn_;       ///< by flow, received
};

}  // namespace braidway::tests
