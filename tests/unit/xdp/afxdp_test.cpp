// DPDK's AF_XDP driver with our program and our buffers, on a veth pair in a network namespace of the
// process's own; the other end is an AF_PACKET socket. Run it with --no-huge for memory without hugepages.
// Its own process: EAL starts once.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <fcntl.h>
#include <functional>
#include <optional>
#include <poll.h>
#include <signal.h>
#include <span>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

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
#include "tests/unit/xdp/kernel_lab.hpp"

namespace braidway::tests {
namespace {

using dataplane::XdpTake;
namespace xdp = dataplane::xdp;
using Frame = std::vector<std::uint8_t>;
using Clock = std::chrono::steady_clock;

// The ends of the test's veth pair. Every test has a pair of its own: the driver's close() leaves its socket
// on the queue.
std::string gateway_end;
std::string host_end;
constexpr unsigned test_ethertype = 0x88b5;  // IEEE 802 local experimental
constexpr std::uint16_t descriptors = 1024;
constexpr std::size_t max_frame = xdp::umem_max_frame(64);
constexpr std::size_t max_untagged_frame = xdp::afxdp_max_mtu + 14;
constexpr auto patience = std::chrono::seconds(10);

/// True as soon as `done` is; false if it never is.
bool eventually(const std::function<bool()>& done) {
  const auto deadline = Clock::now() + patience;
  while (!done()) {
    if (Clock::now() > deadline) return false;
  }
  return true;
}

Frame test_frame(std::size_t length, std::uint32_t number) {
  Frame frame(length);
  for (std::size_t i = 0; i < length; ++i) frame[i] = static_cast<std::uint8_t>(i * 7 + number);
  std::fill_n(frame.begin(), 12, std::uint8_t{0x02});
  frame[12] = test_ethertype >> 8U;
  frame[13] = test_ethertype & 0xffU;
  std::memcpy(&frame[14], &number, sizeof(number));
  return frame;
}

Frame udp_frame(std::uint16_t port) {
  Frame frame(64);
  std::fill_n(frame.begin(), 12, std::uint8_t{0x02});
  frame[12] = 0x08;
  frame[14] = 0x45;
  frame[23] = 17;
  frame[36] = static_cast<std::uint8_t>(port >> 8U);
  frame[37] = static_cast<std::uint8_t>(port);
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

std::uint32_t attached_id() {
  std::uint32_t id = 0;
  EXPECT_EQ(bpf_xdp_query_id(static_cast<int>(::if_nametoindex(gateway_end.c_str())), 0, &id), 0);
  return id;
}

bool is_promiscuous() {
  const auto link = dataplane::find_link(gateway_end);
  return link && (link->flags & IFF_PROMISC) != 0;
}

std::uint64_t counted(braidway_xdp_verdict verdict) {
  const auto counters = xdp::read_counters(gateway_end);
  EXPECT_TRUE(counters) << counters.error();
  return counters ? (*counters)[verdict] : 0;
}

class AfXdp : public ::testing::Test {
 protected:
  void SetUp() override {
    static int pairs = 0;
    const std::string number = std::to_string(pairs++);
    gateway_end = "bwg" + number;
    host_end = "bwh" + number;
    const std::string up = " up mtu " + std::to_string(xdp::afxdp_max_mtu);
    ASSERT_TRUE(run_ip("link add " + gateway_end + " type veth peer name " + host_end) &&
                run_ip("link set dev " + gateway_end + up) && run_ip("link set dev " + host_end + up));
  }
};

TEST_F(AfXdp, FramesOfEverySizeArriveByteForByteManyTimesOverThePool) {
  const AfXdpPort port(XdpTake::all);
  ASSERT_FALSE(HasFatalFailure());
  const Wire host(host_end);
  const std::uint64_t before = counted(braidway_xdp_redirected);
  // The kernel's own first frames may have come between attaching and binding.
  const std::uint64_t unbound_before = counted(braidway_xdp_dropped_unbound);
  constexpr std::uint32_t total = 40'000;
  constexpr std::uint32_t batch = 64;
  std::uint32_t number = 0;
  while (number < total) {
    std::deque<Frame> sent;
    for (std::uint32_t i = 0; i < batch; ++i, ++number) {
      sent.push_back(test_frame(60 + std::size_t{number} * 97 % (max_untagged_frame - 59), number));
      host.send(sent.back());
    }
    ASSERT_TRUE(eventually([&] {
      for (const Frame& frame : port.receive()) {
        EXPECT_TRUE(frame == sent.front()) << "frame of " << frame.size() << " bytes";
        sent.pop_front();
      }
      return sent.empty() || HasFailure();
    })) << sent.size()
        << " frames missing, the next of " << sent.front().size() << " bytes, after " << number;
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GE(counted(braidway_xdp_redirected), before + total);
  EXPECT_EQ(counted(braidway_xdp_dropped_unbound), unbound_before);
}

TEST_F(AfXdp, TheLargestFrameOfTheLargestMtuArrives) {
  const AfXdpPort port(XdpTake::all);
  ASSERT_FALSE(HasFatalFailure());
  const Wire host(host_end);
  const Frame largest = test_frame(max_frame, 1);
  ASSERT_EQ(largest.size(), max_untagged_frame + 8);
  // No veth carries two VLAN tags beyond its MTU.
  const auto set_mtu = [](int mtu) {
    return run_ip("link set dev " + gateway_end + " mtu " + std::to_string(mtu)) &&
           run_ip("link set dev " + host_end + " mtu " + std::to_string(mtu));
  };
  ASSERT_TRUE(set_mtu(xdp::afxdp_max_mtu + 8));
  Frame tagged = largest;
  tagged[12] = 0x88;
  tagged[13] = 0xa8;
  tagged[16] = 0x81;
  tagged[17] = 0x00;
  host.send(tagged);
  std::vector<Frame> arrived;
  EXPECT_TRUE(eventually([&] { return !(arrived = port.receive()).empty(); }));
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_TRUE(arrived[0] == tagged);
}

TEST_F(AfXdp, FramesOfOwnAndOfOtherBuffersLeaveByteForByte) {
  const AfXdpPort port(XdpTake::all);
  ASSERT_FALSE(HasFatalFailure());
  rte_mempool* other = rte_pktmbuf_pool_create("other", 4095, 0, 64, 4096, SOCKET_ID_ANY);
  ASSERT_NE(other, nullptr);
  const Wire host(host_end);
  constexpr std::uint32_t total = 20'000;
  for (std::uint32_t number = 0; number < total; ++number) {
    const Frame frame = test_frame(60 + std::size_t{number} * 97 % (max_untagged_frame - 59), number);
    rte_mbuf* mbuf = rte_pktmbuf_alloc(number % 2 == 0 ? port.pool() : other);
    ASSERT_NE(mbuf, nullptr) << "buffers leak: none is left after " << number;
    char* room = rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(frame.size()));
    ASSERT_NE(room, nullptr);
    std::memcpy(room, frame.data(), frame.size());
    ASSERT_TRUE(eventually([&] { return rte_eth_tx_burst(port.id(), 0, &mbuf, 1) == 1; }));
    ASSERT_TRUE(eventually([&] {
      const Frame arrived = host.receive();
      if (arrived.empty() || arrived[0] != 0x02) return false;
      EXPECT_TRUE(arrived == frame) << number;
      return true;
    })) << "frame "
        << number << " is missing";
  }
  rte_mempool_free(other);
}

TEST_F(AfXdp, TheRocev2ProgramLeavesTheRestToTheKernel) {
  const AfXdpPort port(XdpTake::rocev2);
  ASSERT_FALSE(HasFatalFailure());
  const Wire host(host_end);
  const Wire kernel(gateway_end);  // sees what XDP passes on
  const std::uint64_t before = counted(braidway_xdp_redirected);
  host.send(udp_frame(53));
  host.send(udp_frame(4791));
  std::vector<Frame> arrived;
  ASSERT_TRUE(eventually([&] { return !(arrived = port.receive()).empty(); }));
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_TRUE(arrived[0] == udp_frame(4791));
  EXPECT_TRUE(eventually([&] { return kernel.receive() == udp_frame(53); }));
  EXPECT_EQ(counted(braidway_xdp_redirected), before + 1);
  EXPECT_GE(counted(braidway_xdp_kernel_other), 1U);
}

TEST_F(AfXdp, NothingStaysBehindWhenThePortIsClosed) {
  ASSERT_EQ(attached_id(), 0U);
  ASSERT_FALSE(is_promiscuous());
  AfXdpPort port(XdpTake::all);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_NE(attached_id(), 0U);
  EXPECT_TRUE(is_promiscuous());
  port.close();
  EXPECT_EQ(attached_id(), 0U);
  EXPECT_FALSE(is_promiscuous());
}

TEST_F(AfXdp, ASecondGatewayIsRefusedWhileOneRuns) {
  const AfXdpPort port(XdpTake::all);
  ASSERT_FALSE(HasFatalFailure());
  const std::uint32_t id = attached_id();
  const auto second = xdp::prepare(gateway_end);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("another gateway"), std::string::npos) << second.error();
  EXPECT_EQ(attached_id(), id);
}

std::vector<std::string> own_command;

/// Runs a gateway's start on the same interface in another process, which is killed as soon as the port is
/// open.
void open_and_be_killed() {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::vector<char*> arguments;
    arguments.reserve(own_command.size() + 3);
    for (std::string& word : own_command) arguments.push_back(word.data());
    std::string die = "--open-and-die";
    arguments.insert(arguments.end(), {die.data(), gateway_end.data(), nullptr});
    ::execv("/proc/self/exe", arguments.data());
    ::_exit(127);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

/// Holds receive queue 0 of the gateway's end, as a process does that is being killed.
class HeldQueue {
 public:
  HeldQueue() {
    const xdp_umem_reg memory{.addr = reinterpret_cast<std::uintptr_t>(memory_.get()),
                              .len = umem_bytes,
                              .chunk_size = 4096,
                              .headroom = 0,
                              .flags = 0};
    option(XDP_UMEM_REG, memory);
    for (const int ring : {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING}) option(ring, 64);
    sockaddr_xdp address{};
    address.sxdp_family = AF_XDP;
    address.sxdp_ifindex = ::if_nametoindex(gateway_end.c_str());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0)
        << std::strerror(errno);
  }

 private:
  static constexpr std::size_t umem_bytes = 262144;
  template <typename Value>
  void option(int name, const Value& value) const {
    EXPECT_EQ(::setsockopt(socket_.get(), SOL_XDP, name, &value, sizeof(value)), 0) << std::strerror(errno);
  }
  std::unique_ptr<void, decltype(&std::free)> memory_{std::aligned_alloc(4096, umem_bytes), std::free};
  dataplane::UniqueFd socket_{::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)};
};

TEST_F(AfXdp, APortOpensAsSoonAsABusyQueueIsFree) {
  std::optional<HeldQueue> held(std::in_place);
  // Let go when the driver has met the held queue: it attaches the program before it binds.
  std::thread release([&] {
    EXPECT_TRUE(eventually([] { return attached_id() != 0; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    held.reset();
  });
  {
    const AfXdpPort port(XdpTake::all);
    release.join();
    ASSERT_FALSE(HasFatalFailure());
    const Wire host(host_end);
    host.send(test_frame(100, 7));
    EXPECT_TRUE(eventually([&] { return !port.receive().empty(); }));
  }
  EXPECT_EQ(attached_id(), 0U);
}

TEST_F(AfXdp, APortOpensAtOnceAfterGatewaysWereKilled) {
  // The kernel frees a dead process's queue when it gets to it: often enough to be met by one of a few.
  for (int round = 0; round < 4; ++round) ASSERT_NO_FATAL_FAILURE(open_and_be_killed());
  EXPECT_NE(attached_id(), 0U);
  EXPECT_TRUE(is_promiscuous());
  {
    const AfXdpPort port(XdpTake::all);
    ASSERT_FALSE(HasFatalFailure());
    const Wire host(host_end);
    host.send(test_frame(100, 7));
    EXPECT_TRUE(eventually([&] { return !port.receive().empty(); }));
  }
  EXPECT_EQ(attached_id(), 0U);
  EXPECT_FALSE(is_promiscuous());
}

/// EAL with memory of its own and no files that others could find.
bool start_eal(bool hugepages) {
  std::vector<std::string> words{"afxdp-test", "--no-pci", "--no-telemetry",
                                 "-l",         "0",        "--log-level=lib.eal:error"};
  if (hugepages)
    words.emplace_back("--in-memory");
  else
    words.insert(words.end(), {"--no-huge", "--no-shconf", "-m", "128"});
  std::vector<char*> arguments;
  arguments.reserve(words.size());
  for (std::string& word : words) arguments.push_back(word.data());
  if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) >= 0) return true;
  std::fprintf(stderr, "afxdp-test: EAL does not start: %s%s\n", rte_strerror(rte_errno),
               hugepages ? "; this test needs free hugepages (scripts/setup reserves them)" : "");
  return false;
}

}  // namespace
}  // namespace braidway::tests

int main(int argc, char** argv) {
  using namespace braidway::tests;
  ::testing::InitGoogleTest(&argc, argv);
  own_command.assign(argv, argv + argc);
  const auto has = [](const char* word) { return std::ranges::find(own_command, word) != own_command.end(); };
  const bool hugepages = !has("--no-huge");
  if (has("--open-and-die")) {
    gateway_end = own_command.back();
    if (!start_eal(hugepages)) return 1;
    const AfXdpPort port(braidway::dataplane::XdpTake::all);
    ::raise(SIGKILL);
  }
  enter_own_namespace();
  if (!start_eal(hugepages)) return 1;
  const int result = RUN_ALL_TESTS();
  rte_eal_cleanup();
  return result;
}
