// LinkMonitor on real ports: af_packet on a veth of the process's own network namespace, ring and null by
// polling, tap by interrupt. Its own process: EAL starts once, without hugepages.
#include "dataplane/link_monitor.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <sched.h>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/kernel_link.hpp"

namespace braidway::dataplane {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
constexpr auto patience = 10s;

[[nodiscard]] bool ip(const std::string& arguments) { return std::system(("ip " + arguments).c_str()) == 0; }

void set_up(const std::string& interface, bool up) {
  ASSERT_TRUE(ip("link set dev " + interface + (up ? " up" : " down")));
}

class LinkMonitorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (pool == nullptr) pool = rte_pktmbuf_pool_create("links", 4095, 0, 0, 2176, SOCKET_ID_ANY);
    ASSERT_NE(pool, nullptr) << rte_strerror(rte_errno);
  }
  void TearDown() override {
    monitor_.reset();
    for (const auto& [id, name] : ports_) {
      rte_eth_dev_stop(id);
      rte_eth_dev_close(id);
      rte_eal_hotplug_remove("vdev", name.c_str());
    }
    for (const std::string& interface : veths_) (void)ip("link del " + interface + " 2>&1");
  }

  /// A pair up at both ends: NAME and NAMEp.
  void make_veth(const std::string& name) {
    ASSERT_TRUE(ip("link add " + name + " type veth peer name " + name + "p"));
    veths_.push_back(name);
    set_up(name, true);
    set_up(name + "p", true);
  }

  void open(const std::string& name, const std::string& arguments, std::uint16_t& id, bool lsc = false) {
    ASSERT_EQ(rte_eal_hotplug_add("vdev", name.c_str(), arguments.c_str()), 0);
    ASSERT_EQ(rte_eth_dev_get_port_by_name(name.c_str(), &id), 0);
    ports_.emplace_back(id, name);
    rte_eth_conf conf{};
    conf.intr_conf.lsc = lsc ? 1 : 0;
    ASSERT_EQ(rte_eth_dev_configure(id, 1, 1, &conf), 0);
    ASSERT_EQ(rte_eth_rx_queue_setup(id, 0, 512, 0, nullptr, pool), 0);
    ASSERT_EQ(rte_eth_tx_queue_setup(id, 0, 512, 0, nullptr), 0);
    ASSERT_EQ(rte_eth_dev_start(id), 0);
  }

  void watch(std::vector<LinkMonitor::Port> ports) {
    auto monitor = LinkMonitor::create(std::move(ports), [this](std::uint16_t port, bool up) {
      reports_.emplace_back(port, up);
      reported_at_ = Clock::now();
    });
    ASSERT_TRUE(monitor) << monitor.error();
    monitor_ = std::move(*monitor);
  }

  /// Polls until there is a report, and takes it.
  std::pair<std::uint16_t, bool> next_report() {
    const auto deadline = Clock::now() + patience;
    while (reports_.empty() && Clock::now() < deadline) {
      const auto polled = monitor_->poll_once(patience);
      EXPECT_TRUE(polled) << polled.error();
    }
    if (reports_.empty()) {
      ADD_FAILURE() << "no report";
      return {0xffff, false};
    }
    const auto report = reports_.front();
    reports_.pop_front();
    return report;
  }
  using Report = std::pair<std::uint16_t, bool>;

  std::unique_ptr<LinkMonitor> monitor_;
  std::deque<Report> reports_;
  Clock::time_point reported_at_;

 private:
  static inline rte_mempool* pool = nullptr;
  std::vector<std::pair<std::uint16_t, std::string>> ports_;
  std::vector<std::string> veths_;
};

TEST_F(LinkMonitorTest, TheFirstPollReportsEveryPortOnce) {
  make_veth("bwl0");
  std::uint16_t kernel = 0;
  std::uint16_t null = 0;
  ASSERT_NO_FATAL_FAILURE(open("net_af_packet0", "iface=bwl0", kernel));
  ASSERT_NO_FATAL_FAILURE(open("net_null0", "", null));
  watch({{kernel, "bwl0"}, {null, ""}});
  EXPECT_EQ(monitor_->source(kernel), LinkSource::netlink);
  EXPECT_EQ(monitor_->source(null), LinkSource::poll);
  EXPECT_EQ(monitor_->poll_once(0ms), 2U);
  EXPECT_EQ(reports_, (std::deque<Report>{{kernel, true}, {null, true}}));
  EXPECT_EQ(monitor_->poll_once(0ms), 0U);
}

TEST_F(LinkMonitorTest, APeerThatGoesDownIsReportedByTheKernelAtOnce) {
  make_veth("bwl0");
  std::uint16_t port = 0;
  ASSERT_NO_FATAL_FAILURE(open("net_af_packet0", "iface=bwl0", port));
  watch({{port, "bwl0"}});
  ASSERT_EQ(next_report(), Report(port, true));
  for (int round = 0; round < 5; ++round) {
    // From before `ip` starts until the report: an upper bound, `ip` itself included.
    for (const bool up : {false, true}) {
      std::atomic<Clock::rep> done{0};
      const auto start = Clock::now();
      std::thread switcher([&] {
        set_up("bwl0p", up);
        done = Clock::now().time_since_epoch().count();
      });
      EXPECT_EQ(next_report(), Report(port, up));
      switcher.join();
      const auto after_start = std::chrono::duration<double, std::milli>(reported_at_ - start).count();
      const auto after_ip = std::chrono::duration<double, std::milli>(reported_at_.time_since_epoch() -
                                                                      Clock::duration(done.load()))
                                .count();
      std::printf("link %s reported %.2f ms after ip was started, %+.2f ms after it had ended\n",
                  up ? "up" : "down", after_start, after_ip);
    }
  }
  EXPECT_FALSE(monitor_->vanished(port));
}

TEST_F(LinkMonitorTest, AnInterfaceThatIsSwitchedOffIsDown) {
  make_veth("bwl0");
  std::uint16_t port = 0;
  ASSERT_NO_FATAL_FAILURE(open("net_af_packet0", "iface=bwl0", port));
  watch({{port, "bwl0"}});
  ASSERT_EQ(next_report(), Report(port, true));
  set_up("bwl0", false);
  EXPECT_EQ(next_report(), Report(port, false));
}

TEST_F(LinkMonitorTest, AnInterfaceThatVanishesIsDownForGood) {
  make_veth("bwl0");
  std::uint16_t port = 0;
  ASSERT_NO_FATAL_FAILURE(open("net_af_packet0", "iface=bwl0", port));
  watch({{port, "bwl0"}});
  ASSERT_EQ(next_report(), Report(port, true));
  ASSERT_TRUE(ip("link del bwl0"));
  EXPECT_EQ(next_report(), Report(port, false));
  // The last word may be RTM_NEWLINK without a carrier; RTM_DELLINK follows.
  const auto deadline = Clock::now() + patience;
  while (!monitor_->vanished(port) && Clock::now() < deadline) ASSERT_TRUE(monitor_->poll_once(10ms));
  EXPECT_TRUE(monitor_->vanished(port));
  make_veth("bwl0");
  EXPECT_EQ(monitor_->poll_once(0ms), 0U);
}

TEST_F(LinkMonitorTest, OtherInterfacesAreNoneOfItsBusiness) {
  make_veth("bwl0");
  make_veth("bwl1");
  std::uint16_t port = 0;
  ASSERT_NO_FATAL_FAILURE(open("net_af_packet0", "iface=bwl0", port));
  watch({{port, "bwl0"}});
  ASSERT_EQ(next_report(), Report(port, true));
  set_up("bwl1", false);
  EXPECT_EQ(monitor_->poll_once(0ms), 0U);
  EXPECT_TRUE(reports_.empty());
}

TEST_F(LinkMonitorTest, LostMessagesAreMadeUpForByAskingAgain) {
  make_veth("bwl0");
  make_veth("bwl1");
  std::uint16_t port = 0;
  std::uint16_t gone = 0;
  ASSERT_NO_FATAL_FAILURE(open("net_af_packet0", "iface=bwl0", port));
  ASSERT_NO_FATAL_FAILURE(open("net_af_packet1", "iface=bwl1", gone));
  watch({{port, "bwl0"}, {gone, "bwl1"}});
  ASSERT_EQ(next_report(), Report(port, true));
  ASSERT_EQ(next_report(), Report(gone, true));
  // More messages than the socket holds, then what must not be missed.
  const auto link = find_link("lo");
  ASSERT_TRUE(link && link->exists());
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(set_promiscuous(link->index, i % 2 == 0));
  set_up("bwl0p", false);
  ASSERT_TRUE(ip("link del bwl1"));
  std::deque<Report> both{next_report(), next_report()};
  std::ranges::sort(both);
  EXPECT_EQ(both, (std::deque<Report>{{port, false}, {gone, false}}));
  const auto deadline = Clock::now() + patience;
  while (!monitor_->vanished(gone) && Clock::now() < deadline) ASSERT_TRUE(monitor_->poll_once(10ms));
  EXPECT_TRUE(monitor_->vanished(gone));
  EXPECT_FALSE(monitor_->vanished(port));
}

TEST_F(LinkMonitorTest, APortWithoutEventsIsPolled) {
  std::uint16_t port = 0;
  ASSERT_NO_FATAL_FAILURE(open("net_ring0", "", port));
  watch({{port, ""}});
  ASSERT_EQ(monitor_->source(port), LinkSource::poll);
  ASSERT_EQ(next_report(), Report(port, true));
  Clock::time_point switched;
  std::thread switcher([&] {
    switched = Clock::now();
    rte_eth_dev_set_link_down(port);
  });
  EXPECT_EQ(next_report(), Report(port, false));
  switcher.join();
  const auto latency = std::chrono::duration<double, std::milli>(reported_at_ - switched).count();
  std::printf("ring: link down reported after %.2f ms\n", latency);
  ASSERT_EQ(rte_eth_dev_set_link_up(port), 0);
  EXPECT_EQ(next_report(), Report(port, true));
}

TEST_F(LinkMonitorTest, ATapIsWatchedByItsInterrupts) {
  std::uint16_t port = 0;
  ASSERT_NO_FATAL_FAILURE(open("net_tap0", "iface=bwltap", port, true));
  watch({{port, ""}});
  EXPECT_EQ(monitor_->source(port), LinkSource::interrupt);
  ASSERT_EQ(next_report(), Report(port, true));
  set_up("bwltap", false);
  EXPECT_EQ(next_report(), Report(port, false));
  set_up("bwltap", true);
  EXPECT_EQ(next_report(), Report(port, true));
}

TEST_F(LinkMonitorTest, ATapWithoutInterruptsConfiguredIsNotTrustedToRaiseThem) {
  std::uint16_t port = 0;
  ASSERT_NO_FATAL_FAILURE(open("net_tap0", "iface=bwltap", port, false));
  watch({{port, "bwltap"}});
  EXPECT_EQ(monitor_->source(port), LinkSource::netlink);
}

TEST_F(LinkMonitorTest, WakeEndsAWait) {
  make_veth("bwl0");
  std::uint16_t port = 0;
  ASSERT_NO_FATAL_FAILURE(open("net_af_packet0", "iface=bwl0", port));
  watch({{port, "bwl0"}});
  ASSERT_EQ(next_report(), Report(port, true));
  std::thread waker([&] { monitor_->wake(); });
  const auto start = Clock::now();
  EXPECT_EQ(monitor_->poll_once(1h), 0U);
  EXPECT_LT(Clock::now() - start, patience);
  waker.join();
}

TEST_F(LinkMonitorTest, APortOrInterfaceThatIsNotThereIsAnError) {
  std::uint16_t port = 0;
  ASSERT_NO_FATAL_FAILURE(open("net_null0", "", port));
  const auto ignore = [](std::uint16_t, bool) {};
  EXPECT_FALSE(LinkMonitor::create({{static_cast<std::uint16_t>(port + 1), ""}}, ignore));
  EXPECT_FALSE(LinkMonitor::create({{port, "bwnone"}}, ignore));
}

}  // namespace
}  // namespace braidway::dataplane

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (::unshare(CLONE_NEWNET) != 0) {
    std::perror("link-monitor-test: needs root for a network namespace of its own");
    return 1;
  }
  std::vector<std::string> words{
      "link-monitor-test", "--no-huge",      "--no-shconf", "-m", "128",
      "--no-pci",          "--no-telemetry", "-l",          "0",  "--log-level=lib.eal:error"};
  std::vector<char*> arguments;
  arguments.reserve(words.size());
  for (std::string& word : words) arguments.push_back(word.data());
  if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0) {
    std::fprintf(stderr, "link-monitor-test: EAL does not start: %s\n", rte_strerror(rte_errno));
    return 1;
  }
  const int result = RUN_ALL_TESTS();
  rte_eal_cleanup();
  return result;
}
