// One RC queue pair of plain libibverbs with its memory, and the TCP connection over which two ends agree, as
// perftest's.
//
// Units: bytes. Owner: the program's only thread. Errors: std::runtime_error that says what did not work.
#pragma once

#include <cstdint>
#include <infiniband/verbs.h>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace braidway::lab {

template <auto release>
struct Release {
  void operator()(auto* held) const { release(held); }
};

struct Settings {
  std::string server;  ///< empty: be the server
  std::uint16_t port = 18515;
  std::size_t operations = 400;   ///< of each end
  std::uint32_t largest = 16384;  ///< payload of an operation
  std::uint32_t window = 8;       ///< operations outstanding
  std::uint32_t reads = 4;        ///< READs and FETCH_ADDs outstanding
  std::uint32_t gid_index = 0;
  std::uint32_t timeout = 19;  ///< of retransmission: 4.096 us x 2^timeout
  std::uint64_t seed = 1;
};

/// What an end has to know of the other; host byte order, as both run the same program on the same kind of
/// machine.
struct Contact {
  std::uint64_t seed = 0;
  std::uint64_t operations = 0;
  std::uint64_t exposed = 0;  ///< virtual address
  std::uint32_t largest = 0;
  std::uint32_t rkey = 0;
  std::uint32_t qpn = 0;
  std::uint32_t psn = 0;
  ibv_gid gid{};
};

/// The TCP connection to the other end.
class Connection {
 public:
  /// The server waits for a client as long as it takes.
  explicit Connection(const Settings& settings);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Sends ours and waits for theirs.
  Contact exchange(const Contact& ours);
  /// Waits until the other end is here, too.
  void meet();
  [[nodiscard]] int descriptor() const { return socket_; }

 private:
  void send_and_receive(const void* ours, void* theirs, std::size_t bytes);
  int socket_ = -1;
};

class QueuePair {
 public:
  /// Opens the only RDMA device. `exposed` is what the other end may read and write, `local` what only we
  /// name; both have to outlive the queue pair.
  QueuePair(const Settings& settings, std::span<std::uint8_t> exposed, std::span<std::uint8_t> local,
            std::size_t receives);

  /// Fills in what this end knows of itself.
  void describe(Contact& ours) const;
  /// To "ready to send".
  void connect(const Contact& ours, const Contact& theirs);
  /// `request` without its list of memory, which is `bytes` of the local memory.
  void post(ibv_send_wr request, std::span<std::uint8_t> bytes);
  void post_receive(std::uint64_t number, std::span<std::uint8_t> bytes);
  /// Completions, at least one, each a success. Fails if none comes for long, or if the other end went away.
  std::span<const ibv_wc> completions(const Connection& connection);

 private:
  void wait_for_event(const Connection& connection);

  Settings settings_;
  std::unique_ptr<ibv_context, Release<ibv_close_device>> context_;
  std::unique_ptr<ibv_pd, Release<ibv_dealloc_pd>> domain_;
  std::unique_ptr<ibv_comp_channel, Release<ibv_destroy_comp_channel>> channel_;
  std::unique_ptr<ibv_cq, Release<ibv_destroy_cq>> completion_queue_;
  std::unique_ptr<ibv_mr, Release<ibv_dereg_mr>> exposed_;
  std::unique_ptr<ibv_mr, Release<ibv_dereg_mr>> local_;
  std::unique_ptr<ibv_qp, Release<ibv_destroy_qp>> pair_;
  std::vector<ibv_wc> completed_;
  bool armed_ = false;  ///< the completion queue will raise an event
};

}  // namespace braidway::lab
