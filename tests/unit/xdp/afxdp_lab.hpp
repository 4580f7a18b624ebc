// An AF_XDP port of DPDK's on one end of a veth pair and a raw socket on the other, for tests that open it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <functional>
#include <optional>
#include <poll.h>
#include <span>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/kernel_link.hpp"
#include "dataplane/xdp/umem_pool.hpp"
#include "telemetry/roce.hpp"
#include "tests/unit/xdp/kernel_lab.hpp"

namespace braidway::tests {

using dataplane::XdpTake;
namespace xdp = dataplane::xdp;
using Frame = std::vector<std::uint8_t>;
using Clock = std::chrono::steady_clock;

// The ends of the test's veth pair. Every test has a pair of its own: the driver's close() leaves its socket
// on the queue.
inline std::string gateway_end;
inline std::string host_end;
inline constexpr unsigned test_ethertype = 0x88b5;  // IEEE 802 local experimental
inline constexpr std::uint16_t descriptors = 1024;
inline constexpr std::size_t max_frame = xdp::umem_max_frame(64);
inline constexpr std::size_t max_untagged_frame = xdp::afxdp_max_mtu + 14;
inline constexpr auto patience = std::chrono::seconds(10);

/// True as soon as `done` is; false if it never is.
inline bool eventually(const std::function<bool()>& done) {
  const auto deadline = Clock::now() + patience;
  while (!done()) {
    if (Clock::now() > deadline) return false;
  }
  return true;
}

inline Frame test_frame(std::size_t length, std::uint32_t number) {
  Frame frame(length);
  for (std::size_t i = 0; i < length; ++i) frame[i] = static_cast<std::uint8_t>(i * 7 + number);
  std::fill_n(frame.begin(), 12, std::uint8_t{0x02});
  frame[12] = test_ethertype >> 8U;
  frame[13] = test_ethertype & 0xffU;
  std::memcpy(&frame[14], &number, sizeof(number));
  return frame;
}

inline Frame udp_frame(std::uint16_t port) {
  Frame frame(64);
  std::fill_n(frame.begin(), 12, std::uint8_t{0x02});
  frame[12] = 0x08;
  frame[14] = 0x45;
  frame[23] = 17;
  frame[36] = static_cast<std::uint8_t>(port >> 8U);
  frame[37] = static_cast<std::uint8_t>(port);
  return frame;
}

/// With INT shim, INT header, order words of zeros, and room for BTH and ICRC.
inline Frame tagged_frame() {
  constexpr std::array<std::uint8_t, 16> header{0x14, 6, 0x12, 0xb7, 0x20, 0, 0, 8, 0, 0, 0x42, 0x57, 0xc0};
  Frame frame = udp_frame(telemetry::int_udp_port);
  frame.resize(14 + 20 + 8 + header.size() + 12 + 16);
  frame[17] = static_cast<std::uint8_t>(frame.size() - 14);
  frame[39] = static_cast<std::uint8_t>(frame.size() - 34);
  std::ranges::copy(header, frame.begin() + 42);
  return frame;
}

/// A raw socket on one interface.
class Wire {
 public:
  explicit Wire(const std::string& interface)
      : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL))) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0)
        << std::strerror(errno);
  }
  void send(const Frame& frame) const {
    EXPECT_EQ(::send(socket_.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()))
        << std::strerror(errno);
  }
  /// The next frame that came in; empty: none.
  [[nodiscard]] Frame receive() const {
    Frame frame(65536);
    sockaddr_ll from{};
    socklen_t length = sizeof(from);
    const ssize_t bytes =
        ::recvfrom(socket_.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
    frame.resize(bytes < 0 || from.sll_pkttype == PACKET_OUTGOING ? 0 : static_cast<std::size_t>(bytes));
    return frame;
  }

 private:
  dataplane::UniqueFd socket_;
};

/// The driver's port on the gateway's end, opened and closed in the order that attachment.hpp prescribes.
class AfXdpPort {
 public:
  explicit AfXdpPort(XdpTake take) { open(take); }
  AfXdpPort(const AfXdpPort&) = delete;
  AfXdpPort& operator=(const AfXdpPort&) = delete;
  ~AfXdpPort() { close(); }

  void close() {
    if (!prepared_) return;
    rte_eth_dev_stop(id_);
    EXPECT_EQ(rte_eth_dev_close(id_), 0);
    EXPECT_EQ(rte_eal_hotplug_remove("vdev", "net_af_xdp0"), 0);
    rte_mempool_free(pool_);
    const auto restored = xdp::restore(*prepared_);
    EXPECT_TRUE(restored) << restored.error();
    prepared_.reset();
  }

  /// What has arrived of our own frames; the kernel sends neighbour discovery and the like as well.
  [[nodiscard]] std::vector<Frame> receive() const {
    std::array<rte_mbuf*, 32> burst{};
    const std::uint16_t count = rte_eth_rx_burst(id_, 0, burst.data(), burst.size());
    std::vector<Frame> frames;
    for (rte_mbuf* mbuf : std::span(burst).first(count)) {
      const auto* bytes = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
      if (bytes[0] == 0x02) frames.emplace_back(bytes, bytes + mbuf->data_len);
      rte_pktmbuf_free(mbuf);
    }
    return frames;
  }
  [[nodiscard]] std::uint16_t id() const { return id_; }
  [[nodiscard]] rte_mempool* pool() const { return pool_; }

 private:
  void open(XdpTake take) {
    const auto deadline = Clock::now() + xdp::queue_patience;
    for (;;) {
      int queue_status = 0;
      ASSERT_NO_FATAL_FAILURE(open_once(take, queue_status));
      if (queue_status == 0) return;
      close();
      ASSERT_LT(Clock::now(), deadline) << "the receive queue stays busy";
      std::this_thread::sleep_for(xdp::queue_retry_pause);
    }
  }

  /// `queue_status`: not 0 if the receive queue could not be set up.
  void open_once(XdpTake take, int& queue_status) {
    auto prepared = xdp::prepare(gateway_end, take);
    ASSERT_TRUE(prepared) << prepared.error();
    const auto path = xdp::object_path(take);
    ASSERT_TRUE(path) << path.error();
    const std::string arguments = "iface=" + gateway_end + ",xdp_prog=" + *path;
    ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_af_xdp0", arguments.c_str()), 0);
    prepared_ = std::move(*prepared);
    ASSERT_EQ(rte_eth_dev_get_port_by_name("net_af_xdp0", &id_), 0);
    const auto pool = xdp::create_umem_pool("umem", xdp::umem_mbufs(1, descriptors), 256, 64, SOCKET_ID_ANY);
    ASSERT_TRUE(pool) << pool.error();
    pool_ = *pool;
    rte_eth_conf conf{};
    ASSERT_EQ(rte_eth_dev_configure(id_, 1, 1, &conf), 0);
    queue_status = rte_eth_rx_queue_setup(id_, 0, descriptors, 0, nullptr, pool_);
    if (queue_status != 0) return;
    ASSERT_EQ(rte_eth_tx_queue_setup(id_, 0, descriptors, 0, nullptr), 0);
    ASSERT_EQ(rte_eth_promiscuous_enable(id_), 0);
    ASSERT_EQ(rte_eth_dev_start(id_), 0);
  }

  std::optional<xdp::Prepared> prepared_;
  std::uint16_t id_ = 0;
  rte_mempool* pool_ = nullptr;
};

inline std::uint32_t attached_id() {
  std::uint32_t id = 0;
  EXPECT_EQ(bpf_xdp_query_id(static_cast<int>(::if_nametoindex(gateway_end.c_str())), 0, &id), 0);
  return id;
}

inline bool is_promiscuous() {
  const auto link = dataplane::find_link(gateway_end);
  return link && (link->flags & IFF_PROMISC) != 0;
}

inline std::uint64_t counted(braidway_xdp_verdict verdict) {
  const auto counters = xdp::read_counters(gateway_end);
  EXPECT_TRUE(counters) << counters.error();
  return counters ? (*counters)[verdict] : 0;
}

}  // namespace braidway::tests
