// Packets that come in tunnels: whose they are, in which order they leave, and behind which link header.
#include <gtest/gtest.h>

#include "tests/pipeline/lab.hpp"
#include "tests/unit/dataplane/gateway_frames.hpp"

namespace braidway::tests {
namespace {

using dataplane::GatewaySettings;

constexpr std::size_t host = 0;

GatewaySettings sink(std::uint16_t workers = 1) {
  GatewaySettings settings = wire_settings(2, workers, workers);
  settings.id = lb::GatewayId{1};
  settings.peers[0].id = lb::GatewayId{2};
  settings.peers[0].stamping = dataplane::Stamping::int_md;
  settings.memory.flows = 1024;
  settings.ports[host].link = {.source = {2, 0, 0, 0, 0, 1}, .destination = {2, 0, 0, 0, 0, 2}, .vlan = 5};
  for (dataplane::PathSettings& path : settings.peers[0].paths) {
    path.tunnel = {.source = lb::ipv4(0xc0000201), .destination = lb::ipv4(0xc0000202), .source_port = 1};
  }
  return settings;
}

/// A frame as it must leave: the IP packet behind the configured header.
Bytes with_host_link(const Frame& frame) {
  const Bytes plain = frame.bytes();
  Bytes out = Frame().to({2, 0, 0, 0, 0, 2}).vlan(5).type(0x0800).bytes();
  out[11] = std::byte{1};
  out.insert(out.end(), plain.begin() + static_cast<std::ptrdiff_t>(frame.l3_offset()), plain.end());
  return out;
}

TEST(TunnelWay, PacketsLeaveInOrderBehindTheConfiguredLinkHeader) {
  Lab lab(sink());
  lab.send(2, in_tunnel(rc_frame(7, 1), numbered(1, 1)));
  lab.settle();
  EXPECT_EQ(lab.take(host), Frames{});
  lab.send(1, in_tunnel(rc_frame(7, 0), numbered(0, 0)));
  lab.settle();
  EXPECT_EQ(lab.take(host), (Frames{with_host_link(rc_frame(7, 0)), with_host_link(rc_frame(7, 1))}));
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(TunnelWay, AFlowHasOneOwnerWhicheverTunnelItComesBy) {
  Lab lab(sink(4));
  for (std::uint32_t qpn = 1; qpn <= 40; ++qpn) {
    for (std::uint32_t i = 0; i < 8; ++i) {
      const std::uint32_t number = 7 - i;  // backwards
      lab.send(1 + number % 2, in_tunnel(rc_frame(qpn, number), numbered(number, number % 2)),
               static_cast<std::uint16_t>(i % 4));
    }
    lab.settle();
    Frames expected;
    for (std::uint32_t i = 0; i < 8; ++i) expected.push_back(with_host_link(rc_frame(qpn, i)));
    EXPECT_EQ(lab.take_all(host), expected) << "flow " << qpn;
  }
  EXPECT_EQ(lab.drops(), DropCounts{});
}

}  // namespace
}  // namespace braidway::tests
