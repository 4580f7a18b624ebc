// The drivers of the DPDK installed take the devargs: each device is probed and removed. In a network
// namespace of its own, without hugepages, so that nothing is left behind.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <net/if.h>
#include <sched.h>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "dataplane/device.hpp"

namespace braidway::dataplane {
namespace {

class Probe : public testing::Test {
 public:
  static void SetUpTestSuite() {
    std::string name = (std::filesystem::temp_directory_path() / "braidway-device-XXXXXX").string();
    directory = ::mkdtemp(name.data());
    has_namespace = ::unshare(CLONE_NEWNET) == 0;
    // EAL keeps pointers into its arguments.
    static std::array<std::string, 9> words{"device-tests",
                                            "--no-huge",
                                            "-m",
                                            "128",
                                            "--no-pci",
                                            "--no-shconf",
                                            "--no-telemetry",
                                            "--log-level=lib.*:error",
                                            "--lcores=0@0"};
    std::array<char*, words.size()> arguments{};
    std::ranges::transform(words, arguments.begin(), [](std::string& word) { return word.data(); });
    eal_runs = rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) >= 0;
  }

  static void TearDownTestSuite() {
    rte_eal_cleanup();
    std::filesystem::remove_all(directory);
  }

 protected:
  void SetUp() override { ASSERT_TRUE(eal_runs) << rte_strerror(rte_errno); }

  /// Whether DPDK takes the word as a port with two queues; the port is gone afterwards.
  static testing::AssertionResult taken(const std::string& word, std::uint16_t queues, unsigned index) {
    PortSettings port;
    port.queues = queues;
    const auto device = parse_device_word(word);
    if (!device) {
      return testing::AssertionFailure() << device.error();
    }
    const std::string devargs = devargs_for(*device, index, port);
    if (const int error = rte_dev_probe(devargs.c_str()); error != 0) {
      return testing::AssertionFailure() << devargs << ": " << rte_strerror(-error);
    }
    std::uint16_t id = 0;
    rte_eth_dev_info info{};
    const std::string name = devargs.substr(0, devargs.find(','));
    if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0 || rte_eth_dev_info_get(id, &info) != 0) {
      return testing::AssertionFailure() << devargs << ": no port of that name";
    }
    const bool enough = info.max_rx_queues >= queues && info.max_tx_queues >= queues;
    rte_eth_dev_close(id);
    if (rte_dev_remove(info.device) != 0) {
      return testing::AssertionFailure() << devargs << ": stays";
    }
    return enough ? testing::AssertionSuccess()
                  : testing::AssertionFailure() << devargs << ": " << info.max_rx_queues << " receive and "
                                                << info.max_tx_queues << " transmit queues";
  }

  static inline std::string directory;
  static inline bool has_namespace = false;
  static inline bool eal_runs = false;
};

TEST_F(Probe, ARingOfTheLongestNameIsTaken) { EXPECT_TRUE(taken("ring:ring-abc", 2, 0)); }

TEST_F(Probe, AVhostSocketIsTaken) { EXPECT_TRUE(taken("vhost:" + directory + "/vhost.sock", 2, 1)); }

TEST_F(Probe, AMemifSocketIsTakenInBothRoles) {
  EXPECT_TRUE(taken("memif:" + directory + "/memif.sock", 2, 2));
  EXPECT_TRUE(taken("memif:" + directory + "/memif.sock,client", 2, 3));
}

TEST_F(Probe, ACaptureIsTaken) {
  const std::string file = directory + "/in.pcap";
  pcap_t* capture = pcap_open_dead(DLT_EN10MB, 65535);
  pcap_dumper_t* dumper = pcap_dump_open(capture, file.c_str());
  ASSERT_NE(dumper, nullptr);
  pcap_dump_close(dumper);
  pcap_close(capture);
  EXPECT_TRUE(taken("pcap:" + file, 1, 4));
}

TEST_F(Probe, DevargsAreTakenAsTheyAre) { EXPECT_TRUE(taken("net_null0,size=128", 2, 5)); }

TEST_F(Probe, ATapIsTaken) {
  if (!has_namespace) {
    GTEST_SKIP() << "needs CAP_SYS_ADMIN for a network namespace";
  }
  if (::access("/dev/net/tun", R_OK | W_OK) != 0) {
    GTEST_SKIP() << "needs /dev/net/tun";
  }
  EXPECT_TRUE(taken("tap:braidway-abcdef", 2, 6));
}

TEST_F(Probe, AKernelInterfaceIsTakenByAfPacketAndAfXdp) {
  if (!has_namespace) {
    GTEST_SKIP() << "needs CAP_SYS_ADMIN for a network namespace";
  }
  EXPECT_TRUE(taken("af_packet:lo", 2, 7));
  EXPECT_TRUE(taken("af_xdp:lo", 1, 8));
}

/// RTE_PMD_REGISTER_PARAM_STRING leaves the keys that a driver takes in its shared object.
TEST(DriverKeys, VirtioUserKnowsThoseThatItIsGiven) {
  // virtio_user connects while it is probed, so its keys are compared instead.
  const std::filesystem::path drivers = RTE_EAL_PMD_PATH;
  std::string bytes;
  for (const auto& file : std::filesystem::directory_iterator(drivers)) {
    if (!file.path().filename().string().starts_with("librte_net_virtio.so")) {
      continue;
    }
    std::ifstream stream(file.path(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(stream), {});
  }
  if (bytes.empty()) {
    GTEST_SKIP() << "DPDK's drivers are not in " << drivers;
  }
  const DeviceWord word{DeviceKind::virtio_user, "/x.sock"};
  std::string devargs = devargs_for(word, 0, PortSettings{});
  for (std::size_t at = devargs.find(','); at != std::string::npos; at = devargs.find(',', at + 1)) {
    const std::string key = devargs.substr(at + 1, devargs.find('=', at) - at) + "<";
    EXPECT_NE(bytes.find(key), std::string::npos) << key;
  }
}

}  // namespace
}  // namespace braidway::dataplane
