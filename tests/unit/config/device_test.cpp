// The grammar of device words and the devargs made of them.
#include "dataplane/device.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace braidway::dataplane {
namespace {

DeviceWord parsed(std::string_view word) {
  const auto device = parse_device_word(word);
  EXPECT_TRUE(device) << word << ": " << device.error();
  return device.value_or(DeviceWord{});
}

TEST(DeviceWord, ItsPrefixSaysItsKind) {
  const std::vector<std::pair<std::string, DeviceWord>> words{
      {"0000:3b:00.0", {DeviceKind::pci, "0000:3b:00.0"}},
      {"3B:00.1", {DeviceKind::pci, "0000:3b:00.1"}},
      {"10000:E1:1f.7", {DeviceKind::pci, "10000:e1:1f.7"}},
      {"3b:00.0,dv_flow_en=1", {DeviceKind::pci, "0000:3b:00.0,dv_flow_en=1"}},
      {"tap:bw0", {DeviceKind::tap, "bw0"}},
      {"af_packet:eth0.100", {DeviceKind::af_packet, "eth0.100"}},
      {"af_xdp:eth0", {DeviceKind::af_xdp, "eth0"}},
      {"vhost:/run/x.sock", {DeviceKind::vhost, "/run/x.sock"}},
      {"virtio_user:/run/x.sock", {DeviceKind::virtio_user, "/run/x.sock"}},
      {"memif:/run/x.sock", {DeviceKind::memif, "/run/x.sock"}},
      {"memif:/run/x.sock,client", {DeviceKind::memif, "/run/x.sock,client"}},
      {"pcap:in.pcap", {DeviceKind::pcap, "in.pcap"}},
      {"ring:r0", {DeviceKind::ring, "r0"}},
      {"net_null0,size=128", {DeviceKind::devargs, "net_null0,size=128"}},
  };
  for (const auto& [word, expected] : words) {
    EXPECT_EQ(parsed(word).kind, expected.kind) << word;
    EXPECT_EQ(parsed(word).argument, expected.argument) << word;
  }
}

TEST(DeviceWord, AWrongOneIsRefusedWithWhatWouldBeRight) {
  const auto wrong = [](std::string_view word) { return parse_device_word(word).error(); };
  EXPECT_TRUE(wrong("tpa:x").starts_with("'tpa:x' is no device; known are a PCI address"));
  EXPECT_EQ(wrong("tap:"), "'tap:' is no tap device; the interface name is missing");
  EXPECT_EQ(wrong("vhost:"), "'vhost:' is no vhost device; the path of the socket is missing");
  EXPECT_EQ(wrong("memif:/x,slave"),
            "'memif:/x,slave' is no memif device; after the socket only ',client' may stand");
  EXPECT_EQ(
      wrong("ring:too-long-a-name"),
      "'ring:too-long-a-name' is no ring device; the name of a ring has 1 to 8 letters, digits, - or _");
  EXPECT_EQ(wrong("net_"), "'net_' names no driver; DPDK's are net_null0, net_pcap0 and so on");
}

TEST(DeviceWord, BecomesDevargsWithThePortsQueuesAndDescriptors) {
  PortSettings port;
  port.queues = 2;
  port.descriptors = 512;
  port.mtu = 4200;
  const auto devargs = [&](std::string_view word) { return devargs_for(parsed(word), 3, port); };
  EXPECT_EQ(devargs("3b:00.0"), "0000:3b:00.0");
  EXPECT_EQ(devargs("tap:bw0"), "net_tap3,iface=bw0");
  EXPECT_EQ(devargs("af_packet:eth0"),
            "net_af_packet3,iface=eth0,qpairs=2,framesz=8192,blocksz=8192,framecnt=512");
  EXPECT_EQ(devargs("vhost:/x.sock"), "net_vhost3,iface=/x.sock,queues=2,client=0");
  EXPECT_EQ(devargs("virtio_user:/x.sock"), "net_virtio_user3,path=/x.sock,queues=2,queue_size=512,server=0");
  EXPECT_EQ(devargs("memif:/x.sock"),
            "net_memif3,role=server,id=0,socket=/x.sock,socket-abstract=no,rsize=9");
  EXPECT_EQ(devargs("memif:/x.sock,client"),
            "net_memif3,role=client,id=0,socket=/x.sock,socket-abstract=no,rsize=9");
  EXPECT_EQ(devargs("pcap:in.pcap"), "net_pcap3,rx_pcap=in.pcap");
  EXPECT_EQ(devargs("ring:r0"), "net_ring_r0");
  EXPECT_EQ(devargs("net_null0,size=128"), "net_null0,size=128");
  EXPECT_EQ(devargs("af_xdp:eth0"), "net_af_xdp3,iface=eth0,start_queue=0,queue_count=2");
  EXPECT_EQ(devargs_for(parsed("af_xdp:eth0"), 3, port, "/lib/take.bpf.o"),
            "net_af_xdp3,iface=eth0,start_queue=0,queue_count=2,xdp_prog=/lib/take.bpf.o");
}

TEST(DeviceWord, OnlyPciNeedsHugepages) {
  EXPECT_FALSE(is_software(DeviceKind::pci));
  for (const auto kind : {DeviceKind::tap, DeviceKind::af_packet, DeviceKind::af_xdp, DeviceKind::vhost,
                          DeviceKind::virtio_user, DeviceKind::memif, DeviceKind::pcap, DeviceKind::ring,
                          DeviceKind::devargs}) {
    EXPECT_TRUE(is_software(kind)) << to_string(kind);
  }
}

}  // namespace
}  // namespace braidway::dataplane
