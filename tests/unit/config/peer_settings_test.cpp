// What the keys of a peer and of what is made of its messages come to.
#include <string>

#include <gtest/gtest.h>

#include "ctrl/config/config.hpp"

namespace braidway::ctrl {
namespace {

TEST(Config, ReturnTrafficAndEntropyReachTheirSettings) {
  const auto peer = [](const std::string& keys) {
    const auto config = parse_config(
        "gateway: {name: a, id: 1}\nmode: wire\nworkers: [{core: 1}]\n"
        "ports: [{name: h, role: host}, {name: f, role: fabric}]\n"
        "peers: [{name: b, id: 7, paths: [{port: f}]" +
            keys + "}]\n",
        "inline");
    EXPECT_TRUE(config) << config.error().front().to_string();
    return config->gateway.peers.front();
  };
  EXPECT_FALSE(peer("").heeds_returns);
  EXPECT_EQ(peer("").entropy, dataplane::EntropyField::none);
  EXPECT_TRUE(peer(", policy: auto, return_traffic: heed").heeds_returns);
  EXPECT_EQ(peer(", policy: idle-move, return_traffic: heed, entropy: source-port").entropy,
            dataplane::EntropyField::source_port);
  EXPECT_EQ(
      peer(", return_traffic: heed, entropy: flow-label, rules: [{class: rdma, policy: idle-move}]").entropy,
      dataplane::EntropyField::flow_label);
}

TEST(Config, ForecastAndRatesReachTheirSettings) {
  const auto gateway = [](const std::string& path, const std::string& more) {
    const auto config = parse_config(
        "gateway: {name: a, id: 1}\nmode: wire\npolicy: auto\nworkers: [{core: 1}]\n"
        "ports: [{name: h, role: host}, {name: f, role: fabric, mtu: 1528}]\n"
        "peers: [{name: b, id: 7, stamping: int-md, messages: {key_file: /k}, paths: [{port: f" +
            path + "}]}]\n" + more,
        "inline");
    EXPECT_TRUE(config) << config.error().front().to_string();
    return config->gateway;
  };
  EXPECT_FALSE(gateway("", "").forecast);
  EXPECT_EQ(gateway("", "").peers.front().paths.front().rate_mbps, 0U);
  EXPECT_EQ(gateway(", rate_mbps: 400000", "").peers.front().paths.front().rate_mbps, 400'000U);
  EXPECT_FALSE(gateway("", "forecast: {weights: observe}\n").forecast->applies);
  EXPECT_EQ(gateway("", "forecast: {weights: observe}\n").forecast->tick_us, 1'000U);
  const auto applied = gateway("", "forecast: {weights: bias, tick_us: 500}\n").forecast;
  EXPECT_TRUE(applied->applies);
  EXPECT_EQ(applied->tick_us, 500U);
}

TEST(Config, TracesByRuleReachTheirSettings) {
  const auto peer = [](const std::string& keys) {
    const auto config = parse_config(
        "gateway: {name: a, id: 1}\nmode: wire\nworkers: [{core: 1}]\n"
        "ports: [{name: h, role: host}, {name: f, role: fabric, mtu: 1600}]\n"
        "peers: [{name: b, id: 7, paths: [{port: f}], "
        "ioam: {source: \"fd00::7\", destination: \"fd00::9\", instructions: [node-id]}, " +
            keys + "}]\n",
        "inline");
    EXPECT_TRUE(config) << config.error().front().to_string();
    return config->gateway.peers.front();
  };
  const auto plain =
      peer("rules: [{destination: 10.0.0.0/8, ioam: false}, {destination: 11.0.0.0/8, policy: pinned}]");
  EXPECT_FALSE(plain.rules[0].treatment.traced);
  EXPECT_TRUE(plain.rules[1].treatment.traced) << "as the rest of the peer's";
  const auto stamped = peer(
      "stamping: int-md, rules: [{destination: 10.0.0.0/8, stamping: none, ioam: true}, {destination: "
      "11.0.0.0/8, "
      "policy: pinned}]");
  EXPECT_TRUE(stamped.rules[0].treatment.traced);
  EXPECT_FALSE(stamped.rules[1].treatment.traced);
}

}  // namespace
}  // namespace braidway::ctrl
