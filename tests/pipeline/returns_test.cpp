// Return traffic where the far end is no gateway: round trips by path move the choice of paths, and flows
// that fare badly get new entropy. Seen in the frames that leave.
#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include "telemetry/icrc.hpp"
#include "telemetry/return_traffic.hpp"
#include "tests/pipeline/lab.hpp"

namespace braidway::tests {
namespace {

using dataplane::EntropyField;
using dataplane::GatewaySettings;
using telemetry::Opcode;

constexpr std::size_t host = 0;
constexpr std::uint64_t ticks_per_ms = 1'000'000;  // a tick is a nanosecond
constexpr std::uint64_t us = 1'000;
constexpr std::uint64_t ms = 1'000'000;
constexpr std::size_t l3 = 14;

GatewaySettings gateway(EntropyField entropy = EntropyField::none, std::uint16_t paths = 4) {
  GatewaySettings settings = wire_settings(paths);
  settings.peers[0].policy = lb::Policy::idle_move;
  settings.peers[0].heeds_returns = true;
  settings.peers[0].entropy = entropy;
  settings.memory.flows = 1024;
  return settings;
}

Bytes with_icrc(const Frame& frame) {
  Bytes bytes = frame.bytes();
  const std::uint32_t icrc =
      telemetry::icrc(std::span{bytes}.subspan(l3, bytes.size() - l3 - telemetry::icrc_bytes));
  std::memcpy(bytes.data() + bytes.size() - telemetry::icrc_bytes, &icrc, sizeof icrc);
  return bytes;
}

/// Two hosts, and pairs of queues of which number q here is number 1000 + q there; the far one answers by the
/// path that a request came by.
class Hosts {
 public:
  explicit Hosts(const GatewaySettings& settings, bool ipv6 = false)
      : lab(settings, ticks_per_ms), ipv6_(ipv6) {}

  /// A request for an ACK, `after` the last thing that happened; the frame as it left, and by which port.
  struct Left {
    Bytes frame;
    std::size_t port = 0;
  };
  Left asks(std::uint32_t pair, std::uint64_t after) {
    now += after;
    constexpr std::uint32_t ack_requested = 0x8000'0000;  // the byte before the PSN
    last_ = with_icrc(frame(false)
                          .bth(Opcode::rc_write_middle, 1'000 + pair, psns_[pair] | ack_requested)
                          .payload(256)
                          .icrc());
    lab.send(host, last_);
    lab.settle(now);
    Left left;
    for (std::size_t port = 1; port < lab.settings().ports.size(); ++port) {
      for (Bytes& out : lab.take(port)) left = {.frame = std::move(out), .port = port};
    }
    return left;
  }
  /// As the host sent it.
  [[nodiscard]] const Bytes& asked() const { return last_; }
  /// Its answer, so much later; the host gets it as it was sent.
  void answers(std::uint32_t pair, std::size_t port, std::uint64_t after,
               std::uint8_t syndrome = telemetry::aeth_ack) {
    now += after;
    hears(frame(true)
              .bth(Opcode::rc_acknowledge, pair, psns_[pair])
              .payload(1, syndrome)
              .payload(3, 0)
              .icrc()
              .bytes(),
          port);
    psns_[pair] += 1;
  }
  void is_notified(std::uint32_t pair, std::size_t port) {
    hears(frame(true).bth(Opcode::cnp, pair, 0).payload(16).icrc().bytes(), port);
  }
  /// One round trip.
  std::size_t trip(std::uint32_t pair, std::uint64_t after, std::uint64_t rtt) {
    const std::size_t port = asks(pair, after).port;
    answers(pair, port, rtt);
    return port;
  }

  Lab lab;
  std::uint64_t now = 1'000 * ms;

 private:
  Frame frame(bool back) const {
    const auto from = back ? Frame::host_b : Frame::host_a;
    const auto to = back ? Frame::host_a : Frame::host_b;
    return ipv6_ ? Frame().ipv6(back ? 2 : 1, back ? 1 : 2).udp() : Frame().ipv4(from, to).udp();
  }
  void hears(const Bytes& frame, std::size_t port) {
    lab.send(port, frame);
    lab.settle(now);
    EXPECT_EQ(lab.take(host), Frames{frame});
  }

  bool ipv6_;
  Bytes last_;
  std::map<std::uint32_t, std::uint32_t> psns_;
};

/// The same frame but for what `where` names.
void expect_equal_but(const Bytes& one, const Bytes& other, const std::set<std::size_t>& where) {
  ASSERT_EQ(one.size(), other.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (!where.contains(i)) {
      EXPECT_EQ(one[i], other[i]) << i;
    }
  }
}

std::uint32_t icrc_of(const Bytes& frame) {
  return telemetry::icrc(std::span{frame}.subspan(l3, frame.size() - l3 - telemetry::icrc_bytes));
}
std::uint32_t icrc_in(const Bytes& frame) {
  std::uint32_t value = 0;
  std::memcpy(&value, frame.data() + frame.size() - telemetry::icrc_bytes, sizeof value);
  return value;
}

TEST(Returns, RoundTripsCnpsAndNaksAreCountedForThePathsThatPacketsTook) {
  Hosts hosts(gateway());
  std::map<std::size_t, std::uint64_t> trips;
  hosts.trip(1, 0, 10 * us);  // tells who belongs together
  for (int i = 0; i < 40; ++i) ++trips[hosts.trip(1, 300 * us, 10 * us)];
  EXPECT_GT(trips.size(), 1U) << "a flow moves when it was silent";
  const std::size_t last = hosts.trip(1, 300 * us, 10 * us);
  ++trips[last];
  hosts.is_notified(1, 2);
  hosts.answers(1, 3, us, telemetry::aeth_nak_sequence);
  const auto& returns = *hosts.lab.link().lane_news[0]->returns;
  for (std::uint16_t path = 0; path < 4; ++path) {
    const auto& meter = returns.path(path);
    const std::size_t port = path + 1;
    EXPECT_EQ(meter.rtts(), trips[port]);
    EXPECT_EQ(meter.rtt_sum(), trips[port] * 10 * us);
    EXPECT_EQ(meter.cnps(), port == last ? 1U : 0U);
    EXPECT_EQ(meter.naks(), port == last ? 1U : 0U);
  }
}

TEST(Returns, WhatCannotBeFollowedOrPairedIsCounted) {
  GatewaySettings settings = gateway();
  settings.memory.flows = 1;
  Hosts hosts(settings);
  const auto count = [&](dataplane::OrderCount of) {
    return hosts.lab.worker().lane().order_counts->get(of);
  };
  hosts.asks(1, us);
  hosts.asks(2, us);
  hosts.asks(2, us);
  EXPECT_EQ(count(dataplane::OrderCount::unfollowed), 2U);
  hosts.is_notified(9, 1);
  EXPECT_EQ(count(dataplane::OrderCount::unpaired), 1U);
}

TEST(Returns, APathWithLongRoundTripsIsGivenLessAndAllWhenTheyAreShortAgain) {
  Hosts hosts(gateway());
  const auto run = [&](int rounds, std::uint64_t extra) {
    std::map<std::size_t, int> taken;
    for (int i = 0; i < rounds; ++i) {
      for (std::uint32_t pair = 1; pair <= 8; ++pair) {
        const std::size_t port = hosts.asks(pair, 50 * us).port;
        ++taken[port];
        hosts.answers(pair, port, (port == 2 ? 10 * us + extra : 10 * us));
      }
    }
    return taken;
  };
  run(200, 0);
  auto fair = run(500, 0);
  EXPECT_NEAR(fair[2], 1'000, 200);
  run(50, 200 * us);
  auto slow = run(500, 200 * us);
  EXPECT_LT(slow[2], 300);
  run(3'000, 0);
  auto again = run(500, 0);
  EXPECT_GT(again[2], 700);
}

TEST(Returns, AFlowThatWasNotifiedGetsAnotherSourcePortAndARightIcrc) {
  for (const bool ipv6 : {false, true}) {
    Hosts hosts(gateway(EntropyField::source_port, 1), ipv6);
    hosts.trip(1, 0, 10 * us);
    hosts.trip(1, 20 * ms, 10 * us);
    EXPECT_EQ(hosts.asks(1, 20 * ms).frame, hosts.asked()) << "all is well";
    hosts.answers(1, 1, 10 * us);
    hosts.is_notified(1, 1);
    EXPECT_EQ(hosts.asks(1, 100 * us).frame, hosts.asked()) << "it is under way";
    hosts.answers(1, 1, 10 * us);
    const Bytes left = hosts.asks(1, 300 * us).frame;
    const Bytes& asked = hosts.asked();
    const std::size_t udp = l3 + (ipv6 ? 40 : 20);
    EXPECT_FALSE(std::equal(left.begin() + udp, left.begin() + udp + 2, asked.begin() + udp));
    EXPECT_EQ(std::to_integer<unsigned>(left[udp]) >> 6U, 3U) << "of those that RNICs take";
    EXPECT_EQ(icrc_in(left), icrc_of(left));
    EXPECT_EQ(icrc_in(asked), icrc_of(asked));
    const std::size_t end = asked.size();
    expect_equal_but(left, asked, {udp, udp + 1, end - 4, end - 3, end - 2, end - 1});
    hosts.answers(1, 1, 10 * us);
    // It stays with it, and other flows have nothing to do with it.
    const Bytes next = hosts.asks(1, us).frame;
    EXPECT_TRUE(std::equal(left.begin() + udp, left.begin() + udp + 2, next.begin() + udp));
    EXPECT_EQ(icrc_in(next), icrc_of(next));
    EXPECT_EQ(hosts.asks(2, 20 * ms).frame, hosts.asked());
  }
}

TEST(Returns, AFlowLabelIsChangedInIpv6AloneAndTheIcrcDoesNotCoverIt) {
  Hosts hosts(gateway(EntropyField::flow_label, 1), true);
  hosts.trip(1, 0, 10 * us);
  hosts.trip(1, 20 * ms, 10 * us);
  hosts.is_notified(1, 1);
  const Bytes left = hosts.asks(1, 20 * ms).frame;
  EXPECT_NE(left, hosts.asked());
  expect_equal_but(left, hosts.asked(), {l3 + 1, l3 + 2, l3 + 3});
  EXPECT_EQ(left[l3 + 1] & std::byte{0xf0}, hosts.asked()[l3 + 1] & std::byte{0xf0}) << "the traffic class";
  EXPECT_EQ(icrc_in(left), icrc_of(left));

  Hosts ipv4(gateway(EntropyField::flow_label, 1));
  ipv4.trip(1, 0, 10 * us);
  ipv4.trip(1, 20 * ms, 10 * us);
  ipv4.is_notified(1, 1);
  EXPECT_EQ(ipv4.asks(1, 20 * ms).frame, ipv4.asked());
  EXPECT_EQ(ipv4.lab.worker().lane().order_counts->get(dataplane::OrderCount::unvaried), 1U);
}

TEST(Returns, CnpsAndDatagramsOfHostsKeepTheirPorts) {
  Hosts hosts(gateway(EntropyField::source_port, 1));
  hosts.trip(1, 0, 10 * us);
  hosts.trip(1, 20 * ms, 10 * us);
  hosts.is_notified(1, 1);
  hosts.trip(1, 20 * ms, 10 * us);
  for (const Opcode opcode : {Opcode::cnp, Opcode::ud_send_only}) {
    const Bytes frame = Frame().ipv4().udp().bth(opcode, 1'001).payload(64).icrc().bytes();
    hosts.lab.send(host, frame);
    hosts.lab.settle(hosts.now);
    EXPECT_EQ(hosts.lab.take(1), Frames{frame});
  }
}

TEST(Returns, APacketThatIsNotWholeInOneBufferKeepsItsPortAndIsCounted) {
  Hosts hosts(gateway(EntropyField::source_port, 1));
  hosts.trip(1, 0, 10 * us);
  hosts.trip(1, 20 * ms, 10 * us);
  hosts.is_notified(1, 1);
  hosts.trip(1, 20 * ms, 10 * us);
  const Bytes frame = Frame().ipv4().udp().bth(Opcode::rc_write_middle, 1'001, 9).payload(256).icrc().bytes();
  hosts.lab.send(host, frame, 0, 100);
  hosts.lab.settle(hosts.now);
  EXPECT_EQ(hosts.lab.take(1), Frames{frame});
  EXPECT_EQ(hosts.lab.worker().lane().order_counts->get(dataplane::OrderCount::unvaried), 1U);
}

}  // namespace
}  // namespace braidway::tests
