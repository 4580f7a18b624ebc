#include "tests/lab/mixed_queue_pair.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace braidway::lab {
namespace {

constexpr std::uint8_t device_port = 1;
constexpr std::uint8_t hop_limit = 64;
constexpr unsigned local_rights = IBV_ACCESS_LOCAL_WRITE;
constexpr unsigned remote_rights =
    unsigned{IBV_ACCESS_REMOTE_WRITE} | unsigned{IBV_ACCESS_REMOTE_READ} | unsigned{IBV_ACCESS_REMOTE_ATOMIC};
constexpr std::uint8_t rnr_timer = 12;  ///< 0.64 ms (IBTA 9.7.5.2.8)
constexpr std::uint8_t retries = 7;     ///< of RNR: without end
constexpr std::size_t most_completions = 16;
/// Longer than soft-RoCE's longest retransmission time-out that the lab uses.
constexpr int patience_ms = 30'000;

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error{what + ": " + std::strerror(error)};
}

/// `result`: 0 or an errno value, as libibverbs returns them.
void check(int result, const std::string& what) {
  if (result != 0) fail(what, result);
}

template <class Handle>
Handle* need(Handle* handle, const std::string& what) {
  if (handle == nullptr) fail(what, errno);
  return handle;
}

ibv_context* open_device() {
  const std::unique_ptr<ibv_device*, Release<ibv_free_device_list>> devices{ibv_get_device_list(nullptr)};
  if (!devices || *devices == nullptr) throw std::runtime_error{"there is no RDMA device"};
  return need(ibv_open_device(*devices), "cannot open the RDMA device");
}

std::string state_of(ibv_qp* pair) {
  ibv_qp_attr attributes{};
  ibv_qp_init_attr initial{};
  if (ibv_query_qp(pair, &attributes, IBV_QP_STATE, &initial) != 0) return "unknown";
  return std::to_string(attributes.qp_state);
}

}  // namespace

Connection::Connection(const Settings& settings) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(settings.port);
  const int fresh = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fresh < 0) fail("no TCP socket", errno);
  socket_ = fresh;
  if (!settings.server.empty()) {
    if (::inet_pton(AF_INET, settings.server.c_str(), &address.sin_addr) != 1) {
      throw std::runtime_error{settings.server + " is no IPv4 address"};
    }
    if (::connect(fresh, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      fail("cannot connect to " + settings.server, errno);
    }
    return;
  }
  const int on = 1;
  if (::setsockopt(fresh, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      ::bind(fresh, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || ::listen(fresh, 1) != 0) {
    fail("cannot listen on TCP port " + std::to_string(settings.port), errno);
  }
  socket_ = ::accept4(fresh, nullptr, nullptr, SOCK_CLOEXEC);
  const int error = errno;
  ::close(fresh);
  if (socket_ < 0) fail("no client came", error);
}

Connection::~Connection() { ::close(socket_); }

void Connection::send_and_receive(const void* ours, void* theirs, std::size_t bytes) {
  if (::send(socket_, ours, bytes, MSG_NOSIGNAL) != static_cast<ssize_t>(bytes)) {
    throw std::runtime_error{"the other end's TCP connection takes nothing"};
  }
  if (::recv(socket_, theirs, bytes, MSG_WAITALL) != static_cast<ssize_t>(bytes)) {
    throw std::runtime_error{"the other end gave up"};
  }
}

Contact Connection::exchange(const Contact& ours) {
  Contact theirs;
  send_and_receive(&ours, &theirs, sizeof(ours));
  return theirs;
}

void Connection::meet() {
  constexpr char here = '!';
  char there = 0;
  send_and_receive(&here, &there, sizeof(here));
}

QueuePair::QueuePair(const Settings& settings, std::span<std::uint8_t> exposed, std::span<std::uint8_t> local,
                     std::size_t receives)
    : settings_{settings}, context_{open_device()}, completed_(most_completions) {
  domain_.reset(need(ibv_alloc_pd(context_.get()), "no protection domain"));
  channel_.reset(need(ibv_create_comp_channel(context_.get()), "no completion channel"));
  const auto completions = static_cast<int>(settings.window + receives);
  completion_queue_.reset(need(ibv_create_cq(context_.get(), completions, nullptr, channel_.get(), 0),
                               "no completion queue of " + std::to_string(completions)));
  exposed_.reset(need(ibv_reg_mr(domain_.get(), exposed.data(), exposed.size(), local_rights | remote_rights),
                      "cannot register the exposed memory"));
  local_.reset(need(ibv_reg_mr(domain_.get(), local.data(), local.size(), local_rights),
                    "cannot register the local memory"));
  ibv_qp_init_attr initial{};
  initial.send_cq = initial.recv_cq = completion_queue_.get();
  initial.cap.max_send_wr = settings.window;
  initial.cap.max_recv_wr = static_cast<std::uint32_t>(receives);
  initial.cap.max_send_sge = initial.cap.max_recv_sge = 1;
  initial.qp_type = IBV_QPT_RC;
  initial.sq_sig_all = 1;
  pair_.reset(need(ibv_create_qp(domain_.get(), &initial), "no queue pair"));
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_INIT;
  attributes.port_num = device_port;
  attributes.qp_access_flags = remote_rights;
  check(ibv_modify_qp(pair_.get(), &attributes,
                      IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS),
        "the queue pair does not begin");
}

void QueuePair::describe(Contact& ours) const {
  ours.exposed = reinterpret_cast<std::uintptr_t>(exposed_->addr);
  ours.rkey = exposed_->rkey;
  ours.qpn = pair_->qp_num;
  if (ibv_query_gid(context_.get(), device_port, static_cast<int>(settings_.gid_index), &ours.gid) != 0) {
    fail("no GID of index " + std::to_string(settings_.gid_index), errno);
  }
}

void QueuePair::connect(const Contact& ours, const Contact& theirs) {
  ibv_port_attr port{};
  check(ibv_query_port(context_.get(), device_port, &port), "the RDMA device's port does not tell its MTU");
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_RTR;
  attributes.path_mtu = port.active_mtu;
  attributes.dest_qp_num = theirs.qpn;
  attributes.rq_psn = theirs.psn;
  attributes.max_dest_rd_atomic = static_cast<std::uint8_t>(settings_.reads);
  attributes.min_rnr_timer = rnr_timer;
  attributes.ah_attr.is_global = 1;
  attributes.ah_attr.port_num = device_port;
  attributes.ah_attr.grh.dgid = theirs.gid;
  attributes.ah_attr.grh.sgid_index = static_cast<std::uint8_t>(settings_.gid_index);
  attributes.ah_attr.grh.hop_limit = hop_limit;
  check(ibv_modify_qp(pair_.get(), &attributes,
                      IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
                          IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER),
        "the queue pair does not get ready to receive");
  attributes.qp_state = IBV_QPS_RTS;
  attributes.sq_psn = ours.psn;
  attributes.timeout = static_cast<std::uint8_t>(settings_.timeout);
  attributes.retry_cnt = attributes.rnr_retry = retries;
  attributes.max_rd_atomic = static_cast<std::uint8_t>(settings_.reads);
  check(ibv_modify_qp(pair_.get(), &attributes,
                      IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
                          IBV_QP_MAX_QP_RD_ATOMIC),
        "the queue pair does not get ready to send");
}

void QueuePair::post(ibv_send_wr request, std::span<std::uint8_t> bytes) {
  ibv_sge memory{reinterpret_cast<std::uintptr_t>(bytes.data()), static_cast<std::uint32_t>(bytes.size()),
                 local_->lkey};
  request.sg_list = &memory;
  request.num_sge = 1;
  ibv_send_wr* refused = nullptr;
  check(ibv_post_send(pair_.get(), &request, &refused),
        "operation " + std::to_string(request.wr_id) + " is refused");
}

void QueuePair::post_receive(std::uint64_t number, std::span<std::uint8_t> bytes) {
  ibv_sge memory{reinterpret_cast<std::uintptr_t>(bytes.data()), static_cast<std::uint32_t>(bytes.size()),
                 local_->lkey};
  ibv_recv_wr request{.wr_id = number, .next = nullptr, .sg_list = &memory, .num_sge = 1};
  ibv_recv_wr* refused = nullptr;
  check(ibv_post_recv(pair_.get(), &request, &refused),
        "a receive for SEND " + std::to_string(number) + " is refused");
}

std::span<const ibv_wc> QueuePair::completions(const Connection& connection) {
  while (true) {
    const int count = ibv_poll_cq(completion_queue_.get(), most_completions, completed_.data());
    if (count < 0) throw std::runtime_error{"the completion queue cannot be read"};
    if (count > 0) {
      const std::span<const ibv_wc> found{completed_.data(), static_cast<std::size_t>(count)};
      for (const ibv_wc& completion : found) {
        if (completion.status != IBV_WC_SUCCESS) {
          throw std::runtime_error{"work request " + std::to_string(completion.wr_id) + " ended with " +
                                   ibv_wc_status_str(completion.status) + "; the queue pair's state is " +
                                   state_of(pair_.get())};
        }
      }
      return found;
    }
    // Armed before the queue is looked at again: what came in between raises no event.
    if (armed_) {
      wait_for_event(connection);
    } else {
      check(ibv_req_notify_cq(completion_queue_.get(), 0), "the completion queue raises no events");
    }
    armed_ = !armed_;
  }
}

void QueuePair::wait_for_event(const Connection& connection) {
  pollfd sources[] = {{channel_->fd, POLLIN, 0}, {connection.descriptor(), POLLRDHUP, 0}};
  const int ready = ::poll(sources, std::size(sources), patience_ms);
  if (ready < 0) fail("cannot wait for completions", errno);
  if (ready == 0) throw std::runtime_error{"no completion for " + std::to_string(patience_ms / 1000) + " s"};
  if ((sources[0].revents & POLLIN) == 0) throw std::runtime_error{"the other end gave up"};
  ibv_cq* queue = nullptr;
  void* unused = nullptr;
  if (ibv_get_cq_event(channel_.get(), &queue, &unused) != 0) fail("cannot take an event", errno);
  ibv_ack_cq_events(queue, 1);
}

}  // namespace braidway::lab
