// prepare(), read_counters() and restore() on veth pairs of the test's own network namespace.
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include <linux/if_link.h>

#include "dataplane/kernel_link.hpp"
#include "dataplane/xdp/umem_pool.hpp"
#include "tests/unit/xdp/kernel_lab.hpp"

namespace braidway::dataplane::xdp {
namespace {

using ::testing::Test;
using tests::run_ip;
using tests::SteerProgram;

const std::string interface = "bwt0";

class Attachment : public Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(tests::enter_own_namespace());
    ASSERT_TRUE(run_ip("link add bwt0 type veth peer name bwt1"));
    ASSERT_TRUE(run_ip("link set dev bwt0 up") && run_ip("link set dev bwt1 up"));
    index_ = ::if_nametoindex("bwt0");
  }
  void TearDown() override { EXPECT_TRUE(run_ip("link del bwt0 2>&1") || index_ == 0); }

  void attach(int program, std::uint32_t mode = 0) const {
    ASSERT_EQ(bpf_xdp_attach(static_cast<int>(index_), program, mode, nullptr), 0) << std::strerror(errno);
  }
  [[nodiscard]] std::uint32_t attached_id() const {
    std::uint32_t id = 0;
    EXPECT_EQ(bpf_xdp_query_id(static_cast<int>(index_), 0, &id), 0);
    return id;
  }
  [[nodiscard]] bool is_promiscuous() const {
    const auto link = find_link(index_);
    return link && (link->flags & IFF_PROMISC) != 0;
  }
  /// Somebody else's program of that name: lets everything through.
  static UniqueFd foreign_program(const char* name) {
    const std::array<bpf_insn, 2> code{
        {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}}};
    return UniqueFd(bpf_prog_load(BPF_PROG_TYPE_XDP, name, "BSD", code.data(), code.size(), nullptr));
  }

  unsigned index_ = 0;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Attachment, AnInterfaceWithoutAProgramIsFine) {
  const auto prepared = prepare(interface);
  ASSERT_TRUE(prepared) << prepared.error();
  EXPECT_EQ(prepared->index, index_);
  EXPECT_FALSE(prepared->promiscuous);
  EXPECT_EQ(attached_id(), 0U);
}

TEST_F(Attachment, AnOrphanOfOursIsDetachedAndSaid) {
  for (const std::uint32_t mode : {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE}) {
    {
      attach(SteerProgram(XdpTake::rocev2).fd(), mode);
    }
    ASSERT_NE(attached_id(), 0U);
    const auto prepared = prepare(interface);
    ASSERT_TRUE(prepared) << prepared.error();
    ASSERT_FALSE(prepared->notes.empty());
    EXPECT_TRUE(contains(prepared->notes[0], "detached")) << prepared->notes[0];
    EXPECT_EQ(attached_id(), 0U);
  }
}

TEST_F(Attachment, PromiscThatAnOrphanLeftIsTakenBackToo) {
  {
    attach(SteerProgram(XdpTake::all).fd());
  }
  ASSERT_TRUE(run_ip("link set dev bwt0 promisc on"));
  const auto prepared = prepare(interface);
  ASSERT_TRUE(prepared) << prepared.error();
  ASSERT_TRUE(restore(*prepared));
  EXPECT_FALSE(is_promiscuous());
}

TEST_F(Attachment, AProgramWithALiveSocketBelongsToARunningGatewayAndStays) {
  SteerProgram running(XdpTake::all);
  running.bind(0);
  attach(running.fd());
  const std::uint32_t id = attached_id();
  const auto prepared = prepare(interface);
  ASSERT_FALSE(prepared);
  EXPECT_TRUE(contains(prepared.error(), "another gateway")) << prepared.error();
  EXPECT_EQ(attached_id(), id);
}

TEST_F(Attachment, AForeignProgramIsAnErrorWithARemedyAndStays) {
  for (const std::uint32_t mode : {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE}) {
    const UniqueFd foreign = foreign_program("firewall");
    ASSERT_TRUE(foreign) << std::strerror(errno);
    attach(foreign.get(), mode);
    const std::uint32_t id = attached_id();
    const auto prepared = prepare(interface);
    ASSERT_FALSE(prepared);
    EXPECT_TRUE(contains(prepared.error(), "\"firewall\" (id " + std::to_string(id) + ")"))
        << prepared.error();
    EXPECT_TRUE(contains(prepared.error(), "ip link set dev bwt0 xdp off")) << prepared.error();
    EXPECT_EQ(attached_id(), id);
    EXPECT_FALSE(read_counters(interface));
    ASSERT_TRUE(run_ip("link set dev bwt0 xdp off"));
  }
}

TEST_F(Attachment, AProgramThatOnlyBearsOurNameIsForeign) {
  const UniqueFd foreign = foreign_program("braidway_steer");
  attach(foreign.get());
  const std::uint32_t id = attached_id();
  EXPECT_FALSE(prepare(interface));
  EXPECT_EQ(attached_id(), id);
}

TEST_F(Attachment, AMissingInterfaceIsNamed) {
  for (const std::string name : {"bwnone", "a-name-longer-than-fifteen", ""}) {
    const auto prepared = prepare(name);
    ASSERT_FALSE(prepared);
    EXPECT_TRUE(contains(prepared.error(), "there is no interface " + name)) << prepared.error();
  }
}

TEST_F(Attachment, AnInterfaceThatIsDownIsAnErrorWithARemedy) {
  ASSERT_TRUE(run_ip("link set dev bwt0 down"));
  const auto prepared = prepare(interface);
  ASSERT_FALSE(prepared);
  EXPECT_TRUE(contains(prepared.error(), "ip link set dev bwt0 up")) << prepared.error();
}

TEST_F(Attachment, AnMtuTooLargeIsAnErrorWithARemedyOnEitherEnd) {
  for (const std::string end : {"bwt0", "bwt1"}) {
    ASSERT_TRUE(run_ip("link set dev " + end + " mtu " + std::to_string(afxdp_max_mtu + 1)));
    const auto prepared = prepare(interface);
    ASSERT_FALSE(prepared);
    EXPECT_TRUE(
        contains(prepared.error(), "ip link set dev " + end + " mtu " + std::to_string(afxdp_max_mtu)))
        << prepared.error();
    ASSERT_TRUE(run_ip("link set dev " + end + " mtu 1500"));
  }
}

TEST_F(Attachment, TheLargestMtuIsOneThatAVethTakesWithOurProgram) {
  for (const std::string end : {"bwt0", "bwt1"})
    ASSERT_TRUE(run_ip("link set dev " + end + " mtu " + std::to_string(afxdp_max_mtu)));
  ASSERT_TRUE(prepare(interface));
  attach(SteerProgram(XdpTake::all).fd(), XDP_FLAGS_DRV_MODE);
}

TEST_F(Attachment, TheObjectPathOpensTheVeryProgram) {
  for (const XdpTake take : {XdpTake::all, XdpTake::rocev2}) {
    const auto path = object_path(take);
    ASSERT_TRUE(path) << path.error();
    EXPECT_EQ(object_path(take), path);
    std::ifstream file(*path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_TRUE(bytes == object_bytes(take));
  }
  EXPECT_NE(object_path(XdpTake::all), object_path(XdpTake::rocev2));
  EXPECT_NE(object_path(XdpTake::rocev2), object_path(XdpTake::rocev2, {.int_md = 5005}));
  EXPECT_EQ(object_path(XdpTake::rocev2, {.int_md = 5005}), object_path(XdpTake::rocev2, {.int_md = 5005}));
  EXPECT_TRUE(object_bytes(XdpTake::all) != object_bytes(XdpTake::rocev2));
}

TEST_F(Attachment, CountersAreReadThroughTheInterface) {
  EXPECT_FALSE(read_counters(interface));
  const SteerProgram program(XdpTake::rocev2);
  attach(program.fd());
  const std::vector<std::uint8_t> arp = [] {
    std::vector<std::uint8_t> frame(60);
    frame[12] = 0x08;
    frame[13] = 0x06;
    return frame;
  }();
  const auto before = read_counters(interface);
  ASSERT_TRUE(before) << before.error();
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = arp.data(), .data_size_in = 60, .repeat = 7);
  ASSERT_EQ(bpf_prog_test_run_opts(program.fd(), &options), 0);
  const auto after = read_counters(interface);
  ASSERT_TRUE(after) << after.error();
  // The kernel itself may send a frame over a new veth (IPv6 neighbour discovery), which is counted as well.
  EXPECT_GE((*after)[braidway_xdp_kernel_other], (*before)[braidway_xdp_kernel_other] + 7);
  EXPECT_EQ(*after, program.counters());
}

TEST_F(Attachment, RestoreDetachesOurProgramAndPutsPromiscBack) {
  for (const bool promiscuous : {false, true}) {
    ASSERT_TRUE(run_ip(std::string("link set dev bwt0 promisc ") + (promiscuous ? "on" : "off")));
    const auto prepared = prepare(interface);
    ASSERT_TRUE(prepared) << prepared.error();
    EXPECT_EQ(prepared->promiscuous, promiscuous);
    {
      attach(SteerProgram(XdpTake::all).fd());
    }
    ASSERT_TRUE(run_ip("link set dev bwt0 promisc on"));
    const auto restored = restore(*prepared);
    ASSERT_TRUE(restored) << restored.error();
    EXPECT_EQ(attached_id(), 0U);
    EXPECT_EQ(is_promiscuous(), promiscuous);
  }
}

TEST_F(Attachment, RestoreLeavesAForeignProgramAlone) {
  const auto prepared = prepare(interface);
  ASSERT_TRUE(prepared) << prepared.error();
  const UniqueFd foreign = foreign_program("latecomer");
  attach(foreign.get());
  const std::uint32_t id = attached_id();
  EXPECT_TRUE(restore(*prepared));
  EXPECT_EQ(attached_id(), id);
}

TEST_F(Attachment, RestoreOfAVanishedInterfaceIsNoError) {
  const auto prepared = prepare(interface);
  ASSERT_TRUE(prepared) << prepared.error();
  ASSERT_TRUE(run_ip("link del bwt0"));
  EXPECT_TRUE(restore(*prepared));
  index_ = 0;
}

}  // namespace
}  // namespace braidway::dataplane::xdp
