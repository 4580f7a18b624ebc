// rte_eth_dev_conf_get() is experimental in DPDK 22.11 and stable since; nothing else tells how a port was
// configured.
#define ALLOW_EXPERIMENTAL_API

#include "dataplane/link_monitor.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <linux/rtnetlink.h>
#include <rte_ethdev.h>

#include "dataplane/kernel_link.hpp"
#include "dataplane/unique_fd.hpp"

namespace braidway::dataplane {
namespace {

using Clock = std::chrono::steady_clock;

struct Watched {
  std::uint16_t port_id = 0;
  LinkSource source = LinkSource::poll;
  std::string interface;
  unsigned interface_index = 0;
  bool up = false;  ///< as seen last
  bool vanished = false;
  std::optional<bool> reported;      ///< nothing yet at first
  std::atomic<bool> removed{false};  ///< written by EAL's interrupt thread
};

/// Both: the driver can, and the port was configured to.
bool has_interrupt(std::uint16_t port_id) {
  rte_eth_dev_info info{};
  rte_eth_conf conf{};
  return rte_eth_dev_info_get(port_id, &info) == 0 && rte_eth_dev_conf_get(port_id, &conf) == 0 &&
         (*info.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0 && conf.intr_conf.lsc != 0;
}

bool ask_driver(std::uint16_t port_id) {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(port_id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

}  // namespace

class LinkMonitor::State {
 public:
  explicit State(Handler handler) : handler_(std::move(handler)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  ~State() {
    for (const auto& port : ports_) {
      for (const auto event : {RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_INTR_RMV}) {
        // Busy while the callback runs; it is short.
        while (rte_eth_dev_callback_unregister(port->port_id, event, on_event, this) == -EAGAIN) {
        }
      }
    }
  }

  tl::expected<void, std::string> start(std::vector<Port> ports);
  tl::expected<unsigned, std::string> poll_once(std::chrono::milliseconds timeout);
  void wake() noexcept {
    const std::uint64_t one = 1;
    // Fails only when the counter is full: then it is readable all the same.
    [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof(one));
  }
  const Watched* find(std::uint16_t port_id) const {
    const auto at = std::ranges::find_if(ports_, [&](const auto& port) { return port->port_id == port_id; });
    return at == ports_.end() ? nullptr : at->get();
  }

 private:
  static int on_event(std::uint16_t port_id, rte_eth_event_type event, void* self, void* /*ret*/) {
    auto& state = *static_cast<State*>(self);
    for (const auto& port : state.ports_) {
      if (port->port_id == port_id && event == RTE_ETH_EVENT_INTR_RMV)
        port->removed.store(true, std::memory_order_release);
    }
    state.wake();
    return 0;
  }

  tl::expected<void, std::string> add(Port port);
  tl::expected<void, std::string> request_dump();
  tl::expected<void, std::string> read_netlink();
  void take(const nlmsghdr& message);
  void ask_drivers();
  unsigned report();
  [[nodiscard]] bool any(LinkSource source) const {
    return std::ranges::any_of(ports_,
                               [&](const auto& port) { return port->source == source && !port->vanished; });
  }

  Handler handler_;
  std::vector<std::unique_ptr<Watched>> ports_;
  UniqueFd event_;
  NetlinkSocket netlink_;
  std::uint32_t dump_sequence_ = 0;
  bool dump_open_ = false;   ///< a dump's answer is still coming
  bool dump_again_ = false;  ///< messages were lost: another one is due
  bool dump_failed_ = false;
  std::vector<unsigned> dumped_;  ///< interfaces seen in the running dump
  std::vector<char> buffer_ = std::vector<char>(65536);
};

tl::expected<void, std::string> LinkMonitor::State::add(Port port) {
  auto watched = std::make_unique<Watched>();
  watched->port_id = port.port_id;
  watched->interface = std::move(port.interface);
  if (rte_eth_dev_is_valid_port(port.port_id) == 0)
    return tl::unexpected("cannot watch the link of port " + std::to_string(port.port_id) +
                          ": there is no such port");
  if (has_interrupt(port.port_id)) {
    watched->source = LinkSource::interrupt;
  } else if (!watched->interface.empty()) {
    const auto link = find_link(watched->interface);
    if (!link) return tl::unexpected(link.error());
    if (!link->exists())
      return tl::unexpected("cannot watch the link of port " + std::to_string(port.port_id) +
                            ": there is no interface " + watched->interface);
    watched->source = LinkSource::netlink;
    watched->interface_index = link->index;
    watched->up = link->is_up();
  }
  ports_.push_back(std::move(watched));
  return {};
}

tl::expected<void, std::string> LinkMonitor::State::start(std::vector<Port> ports) {
  event_ = UniqueFd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event_) return tl::unexpected(std::string("cannot make an eventfd: ") + std::strerror(errno));
  // Listen before asking for the state, so that no change falls in between.
  auto socket = open_netlink(RTMGRP_LINK, SOCK_NONBLOCK);
  if (!socket) return tl::unexpected(socket.error());
  netlink_ = std::move(*socket);
  for (Port& port : ports) {
    if (auto added = add(std::move(port)); !added) return added;
  }
  for (const auto& port : ports_) {
    for (const auto event : {RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_INTR_RMV}) {
      if (rte_eth_dev_callback_register(port->port_id, event, on_event, this) != 0)
        return tl::unexpected("cannot listen to the events of port " + std::to_string(port->port_id));
    }
  }
  return {};
}

tl::expected<void, std::string> LinkMonitor::State::request_dump() {
  std::array<char, 256> request_bytes{};
  nlmsghdr* request = mnl_nlmsg_put_header(request_bytes.data());
  request->nlmsg_type = RTM_GETLINK;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = ++dump_sequence_;
  mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg));
  if (mnl_socket_sendto(netlink_.get(), request, request->nlmsg_len) < 0)
    return tl::unexpected(std::string("cannot ask the kernel for the state of its interfaces: ") +
                          std::strerror(errno));
  dump_open_ = true;
  dump_again_ = false;
  dumped_.clear();
  return {};
}

void LinkMonitor::State::take(const nlmsghdr& message) {
  const bool in_dump = dump_open_ && message.nlmsg_seq == dump_sequence_;
  if (message.nlmsg_type == NLMSG_DONE || message.nlmsg_type == NLMSG_ERROR) {
    if (!in_dump) return;
    dump_open_ = false;
    dump_failed_ = message.nlmsg_type == NLMSG_ERROR;
    if (dump_failed_ || dump_again_) return;  // incomplete: it proves no absence
    for (const auto& port : ports_) {
      if (port->source == LinkSource::netlink &&
          std::ranges::find(dumped_, port->interface_index) == dumped_.end())
        port->vanished = true;
    }
    return;
  }
  if (message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) return;
  const auto& info = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  // Bridges send RTM_DELLINK with family AF_BRIDGE when an interface only leaves the bridge.
  if (info.ifi_family != AF_UNSPEC) return;
  const KernelLink link = parse_link(message);
  if (in_dump) dumped_.push_back(link.index);
  for (const auto& port : ports_) {
    if (port->source != LinkSource::netlink || port->interface_index != link.index) continue;
    if (message.nlmsg_type == RTM_DELLINK) port->vanished = true;
    port->up = link.is_up();
  }
}

tl::expected<void, std::string> LinkMonitor::State::read_netlink() {
  for (;;) {
    const ssize_t length = mnl_socket_recvfrom(netlink_.get(), buffer_.data(), buffer_.size());
    if (length < 0) {
      if (errno == EAGAIN || errno == EINTR) break;
      // ENOBUFS: the kernel dropped messages; ENOSPC: one did not fit. Either way, ask for everything again.
      if (errno != ENOBUFS && errno != ENOSPC)
        return tl::unexpected(std::string("the kernel tells no more about interfaces: ") +
                              std::strerror(errno));
      dump_again_ = true;
      continue;
    }
    int left = static_cast<int>(length);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left))
      take(*message);
  }
  if (dump_failed_) return tl::unexpected(std::string("the kernel does not list its interfaces"));
  if (dump_again_ && !dump_open_) return request_dump();
  return {};
}

void LinkMonitor::State::ask_drivers() {
  for (const auto& port : ports_) {
    if (port->removed.load(std::memory_order_acquire)) port->vanished = true;
    if (port->source != LinkSource::netlink && !port->vanished) port->up = ask_driver(port->port_id);
  }
}

unsigned LinkMonitor::State::report() {
  unsigned reports = 0;
  for (const auto& port : ports_) {
    const bool up = port->up && !port->vanished;
    if (port->reported == up) continue;
    port->reported = up;
    ++reports;
    handler_(port->port_id, up);
  }
  return reports;
}

tl::expected<unsigned, std::string> LinkMonitor::State::poll_once(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  std::array<pollfd, 2> wanted{{{event_.get(), POLLIN, 0}, {mnl_socket_get_fd(netlink_.get()), POLLIN, 0}}};
  for (;;) {
    ask_drivers();
    if (auto read = read_netlink(); !read) return tl::unexpected(read.error());
    if (const unsigned reports = report(); reports > 0) return reports;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return 0U;
    if (any(LinkSource::poll)) left = std::min(left, poll_interval);
    if (::poll(wanted.data(), wanted.size(), static_cast<int>(left.count())) < 0 && errno != EINTR)
      return tl::unexpected(std::string("cannot wait for link events: ") + std::strerror(errno));
    std::uint64_t events = 0;
    if (::read(event_.get(), &events, sizeof(events)) != sizeof(events)) continue;
    // Woken: by an event of a port, or by wake(), which must make us return.
    ask_drivers();
    if (auto read = read_netlink(); !read) return tl::unexpected(read.error());
    return report();
  }
}

LinkMonitor::LinkMonitor(std::unique_ptr<State> state) : state_(std::move(state)) {}
LinkMonitor::~LinkMonitor() = default;

tl::expected<std::unique_ptr<LinkMonitor>, std::string> LinkMonitor::create(std::vector<Port> ports,
                                                                            Handler handler) {
  auto state = std::make_unique<State>(std::move(handler));
  if (auto started = state->start(std::move(ports)); !started) return tl::unexpected(started.error());
  return std::unique_ptr<LinkMonitor>(new LinkMonitor(std::move(state)));
}

tl::expected<unsigned, std::string> LinkMonitor::poll_once(std::chrono::milliseconds timeout) {
  return state_->poll_once(timeout);
}

void LinkMonitor::wake() noexcept { state_->wake(); }

LinkSource LinkMonitor::source(std::uint16_t port_id) const {
  const Watched* port = state_->find(port_id);
  return port == nullptr ? LinkSource::poll : port->source;
}

bool LinkMonitor::vanished(std::uint16_t port_id) const {
  const Watched* port = state_->find(port_id);
  return port != nullptr && port->vanished;
}

}  // namespace braidway::dataplane
