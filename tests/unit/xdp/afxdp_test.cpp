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
#include "tests/unit/xdp/afxdp_lab.hpp"
#include "tests/unit/xdp/kernel_lab.hpp"

namespace braidway::tests {
namespace {

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
  host.send(udp_frame(telemetry::int_udp_port));
  host.send(tagged_frame());
  ASSERT_TRUE(eventually([&] { return !(arrived = port.receive()).empty(); }));
  ASSERT_EQ(arrived.size(), 1U);
  EXPECT_TRUE(arrived[0] == tagged_frame());
  EXPECT_TRUE(eventually([&] { return kernel.receive() == udp_frame(telemetry::int_udp_port); }));
  EXPECT_EQ(counted(braidway_xdp_redirected), before + 2);
  EXPECT_GE(counted(braidway_xdp_kernel_other), 2U);
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
  // Let go when the driver has met the held queue: it attaches the program before it binds, and takes it away
  // when it could not.
  std::thread release([&] {
    EXPECT_TRUE(eventually([] { return attached_id() != 0; }));
    EXPECT_TRUE(eventually([] { return attached_id() == 0; }));
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
