// What load_config() and parse_config() make of right files, and of files that are none.
#include "ctrl/config/config.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "dataplane/treatments.hpp"
#include "tests/unit/config/files.hpp"

namespace braidway::ctrl {
namespace {

using dataplane::HopSettings;
using dataplane::Hugepages;
using dataplane::Idle;
using dataplane::kind_of;
using dataplane::LinkLocal;
using dataplane::Mode;
using dataplane::PortRole;
using dataplane::Stamping;
using dataplane::TrafficClass;
using dataplane::XdpTake;

std::string first_error(const std::string& file) {
  const auto config = load_config(file);
  return config ? "" : config.error().front().to_string();
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "braidway-config-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string path() const { return path_; }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << text;
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

TEST(Config, DefaultsFillWhatTheFileLeavesOut) {
  const auto config = load_config(test_file("base.yaml"));
  ASSERT_TRUE(config) << config.error().front().to_string();
  const auto& gateway = config->gateway;
  const dataplane::GatewaySettings defaults;
  EXPECT_EQ(gateway.name, "gw-a");
  EXPECT_EQ(gateway.id, lb::GatewayId{1});
  EXPECT_EQ(gateway.mode, Mode::wire);
  EXPECT_EQ(gateway.int_port, 61791);
  EXPECT_EQ(gateway.idle, Idle::poll);
  EXPECT_EQ(gateway.hash_seed, defaults.hash_seed);
  ASSERT_EQ(gateway.workers.size(), 1U);
  EXPECT_EQ(gateway.workers[0].core, 2);
  EXPECT_TRUE(gateway.control_cores.empty());
  ASSERT_EQ(gateway.ports.size(), 3U);
  EXPECT_EQ(gateway.ports[0].role, PortRole::host);
  EXPECT_FALSE(gateway.ports[0].device.has_value());
  EXPECT_EQ(gateway.ports[0].queues, 1);
  EXPECT_EQ(gateway.ports[0].mtu, 1500);
  EXPECT_EQ(gateway.ports[0].descriptors, 1024);
  EXPECT_EQ(gateway.ports[0].xdp_take, XdpTake::all);
  ASSERT_EQ(gateway.peers.size(), 1U);
  ASSERT_EQ(gateway.peers[0].paths.size(), 2U);
  EXPECT_EQ(gateway.peers[0].paths[1].name, "fabric1");
  EXPECT_EQ(gateway.peers[0].paths[1].port, 2);
  EXPECT_EQ(gateway.peers[0].paths[1].weight, 1U);
  EXPECT_EQ(gateway.peers[0].policy, lb::Policy::pinned);
  EXPECT_EQ(gateway.peers[0].stamping, Stamping::none);
  EXPECT_EQ(gateway.peers[0].hold_us, 150U);
  EXPECT_EQ(gateway.peers[0].utilisation_full, 100U);
  EXPECT_FALSE(gateway.peers[0].messages);
  EXPECT_FALSE(config->key_files.at(0));
  EXPECT_FALSE(gateway.reports);
  EXPECT_EQ(gateway.memory.hugepages, Hugepages::automatic);
  EXPECT_EQ(gateway.memory.limit_mib, 512U);
  EXPECT_EQ(gateway.memory.mbufs, 0U);
  EXPECT_EQ(gateway.memory.flows, 65536U);
  EXPECT_EQ(config->api.socket, "/run/braidway/gw-a.sock");
  EXPECT_EQ(config->file, test_file("base.yaml"));
  EXPECT_EQ(config->text, file_text(test_file("base.yaml")));
}

TEST(Config, EveryKeyReachesItsSetting) {
  const auto config = parse_config(R"(
gateway: {name: a, id: 65535}
mode: wire
policy: pinned
idle: sleep
hash_seed: 0x1234
workers: [{core: 3}, {core: 1}]
control_cores: [0, 2]
ports:
  - {name: h, role: host, queues: 2, mtu: 4200, descriptors: 512, stall_ms: 500}
  - {name: f, role: fabric, device: "af_xdp:eth1", queues: 3, mtu: 9000, descriptors: 2048, xdp_take: rocev2}
peers: [{name: b, id: 7, paths: [{port: f, weight: 10000, name: rail}], policy: spray, stamping: int-md, hold_us: 20,
         int: {instructions: [node-id, queue, egress-utilisation, buffer], hops: 4, own_hop: true, utilisation_full: 4294967294},
         rules: [{destination: 10.7.0.0/16, policy: pinned, int: {own_hop: false}}, {destination: "fd00::/8", stamping: none},
                 {class: ud, policy: idle-move}],
         messages: {key_file: /k, interval_us: 200, heartbeat_us: 2000, suspect_us: 300, patience_us: 900}}]
link_local: {lldp: consume, lacp: consume, stp: consume, eapol: consume}
memory: {hugepages: off, limit_mib: 1024, mbufs: 4096, flows: 2048}
telemetry: {int_port: 61791, reports: {collectors: [{address: "[::1]:7"}], queue_bytes: 9, latency_step_ns: 8, per_second: 7}}
api: {socket: /x.sock}
)",
                                   "inline");
  ASSERT_TRUE(config) << config.error().front().to_string();
  const auto& gateway = config->gateway;
  EXPECT_EQ(gateway.id, lb::GatewayId{65535});
  EXPECT_EQ(gateway.idle, Idle::sleep);
  EXPECT_EQ(gateway.hash_seed, 0x1234U);
  EXPECT_EQ(gateway.workers[0].core, 3);
  EXPECT_EQ(gateway.workers[1].core, 1);
  EXPECT_EQ(gateway.control_cores, (std::vector<std::uint16_t>{0, 2}));
  EXPECT_EQ(gateway.ports[0].mtu, 4200);
  EXPECT_EQ(gateway.ports[0].descriptors, 512);
  EXPECT_EQ(gateway.ports[0].stall_ms, 500);
  EXPECT_EQ(gateway.ports[1].role, PortRole::fabric);
  EXPECT_EQ(gateway.ports[1].device, "af_xdp:eth1");
  EXPECT_EQ(gateway.ports[1].queues, 3);
  EXPECT_EQ(gateway.ports[1].xdp_take, XdpTake::rocev2);
  EXPECT_EQ(gateway.peers[0].name, "b");
  EXPECT_EQ(gateway.peers[0].policy, lb::Policy::spray);
  EXPECT_EQ(gateway.peers[0].stamping, Stamping::int_md);
  EXPECT_EQ(gateway.peers[0].hold_us, 20U);
  EXPECT_EQ(gateway.peers[0].hops, (HopSettings{.instructions = 0x9180, .hops = 4, .own = true}));
  EXPECT_EQ(gateway.peers[0].utilisation_full, 4'294'967'294U);
  const auto& rules = gateway.peers[0].rules;
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].flows.kinds, kind_of(TrafficClass::rdma));
  EXPECT_EQ(rules[0].flows.destination, (lb::Prefix{lb::ipv4(0x0a070000), 112}));
  EXPECT_EQ(rules[0].treatment.policy, lb::Policy::pinned);
  EXPECT_EQ(rules[0].treatment.stamping, Stamping::int_md);
  EXPECT_EQ(rules[0].treatment.hops, HopSettings{});
  EXPECT_EQ(rules[1].flows.destination, (lb::Prefix{lb::ipv6(0xfd00'0000'0000'0000, 0), 8}));
  EXPECT_EQ(rules[1].treatment.policy, lb::Policy::spray);
  EXPECT_EQ(rules[1].treatment.stamping, Stamping::none);
  EXPECT_EQ(rules[1].treatment.hops, gateway.peers[0].hops);
  EXPECT_EQ(rules[2].flows.kinds, kind_of(TrafficClass::ud));
  EXPECT_EQ(rules[2].flows.destination, lb::Prefix{});
  EXPECT_EQ(rules[2].treatment.policy, lb::Policy::idle_move);
  EXPECT_EQ(rules[2].treatment.stamping, Stamping::none);
  ASSERT_TRUE(gateway.peers[0].messages);
  EXPECT_EQ(gateway.peers[0].messages->interval_us, 200U);
  EXPECT_EQ(gateway.peers[0].messages->heartbeat_us, 2000U);
  EXPECT_EQ(gateway.peers[0].messages->suspect_us, 300U);
  EXPECT_EQ(gateway.peers[0].messages->patience_us, 900U);
  ASSERT_TRUE(config->key_files.at(0));
  EXPECT_EQ(config->key_files[0]->path, "/k");
  EXPECT_EQ(config->key_files[0]->at.line, 16U);
  ASSERT_TRUE(gateway.reports);
  EXPECT_EQ(gateway.reports->queue_bytes, 9U);
  EXPECT_EQ(gateway.reports->latency_step_ns, 8U);
  EXPECT_EQ(gateway.reports->per_second, 7U);
  EXPECT_EQ(config->collectors, (std::vector<std::string>{"[::1]:7"}));
  EXPECT_EQ(gateway.memory.flows, 2048U);
  EXPECT_EQ(gateway.peers[0].id, lb::GatewayId{7});
  EXPECT_EQ(gateway.peers[0].paths[0].name, "rail");
  EXPECT_EQ(gateway.peers[0].paths[0].port, 1);
  EXPECT_EQ(gateway.peers[0].paths[0].weight, 10000U);
  EXPECT_EQ(gateway.link_local.lldp, LinkLocal::consume);
  EXPECT_EQ(gateway.link_local.lacp, LinkLocal::consume);
  EXPECT_EQ(gateway.link_local.stp, LinkLocal::consume);
  EXPECT_EQ(gateway.link_local.eapol, LinkLocal::consume);
  EXPECT_EQ(gateway.memory.hugepages, Hugepages::off);
  EXPECT_EQ(gateway.memory.limit_mib, 1024U);
  EXPECT_EQ(gateway.memory.mbufs, 4096U);
  EXPECT_EQ(config->api.socket, "/x.sock");
}

TEST(Config, APortIsLocatedByItsDeviceOrElseByItself) {
  const auto config = parse_config(R"(gateway: {name: a, id: 1}
mode: wire
workers: [{core: 0}]
ports:
  - name: h
    role: host
    device: tap:x
  - {name: f, role: fabric}
peers: [{name: b, id: 2, paths: [{port: f}]}]
)",
                                   "inline");
  ASSERT_TRUE(config);
  ASSERT_EQ(config->port_locations.size(), 2U);
  EXPECT_EQ(config->port_locations[0].line, 7U);
  EXPECT_EQ(config->port_locations[0].column, 13U);
  EXPECT_EQ(config->port_locations[1].line, 8U);
  EXPECT_EQ(config->port_locations[1].column, 5U);
}

TEST(Config, TheExampleOfTheReadmeIsAHostPortAndFourPaths) {
  const auto config = load_config(example("wire.yaml"));
  ASSERT_TRUE(config) << config.error().front().to_string();
  ASSERT_EQ(config->gateway.ports.size(), 5U);
  EXPECT_EQ(config->gateway.ports[0].name, "host0");
  ASSERT_EQ(config->gateway.peers[0].paths.size(), 4U);
  for (std::uint16_t i = 0; i < 4; ++i) {
    EXPECT_EQ(config->gateway.ports[i + 1U].name, "fabric" + std::to_string(i));
    EXPECT_EQ(config->gateway.peers[0].paths[i].port, i + 1);
  }
}

TEST(Config, AsManyWorkersAndPathsAsThereCanBeAreTaken) {
  std::string text = "gateway: {name: a, id: 1}\nmode: wire\nworkers:\n";
  for (int i = 0; i < 16; ++i) {
    text += "  - core: " + std::to_string(i) + "\n";
  }
  text += "ports:\n  - {name: h, role: host, queues: 16}\n";
  for (int i = 0; i < 256; ++i) {
    text += "  - {name: f" + std::to_string(i) + ", role: fabric, queues: 16}\n";
  }
  text += "peers:\n  - name: b\n    id: 2\n    paths:\n";
  for (int i = 0; i < 256; ++i) {
    text += "      - port: f" + std::to_string(i) + "\n";
  }
  const auto config = parse_config(text, "inline");
  ASSERT_TRUE(config) << config.error().front().to_string();
  EXPECT_EQ(config->gateway.workers.size(), 16U);
  EXPECT_EQ(config->gateway.peers[0].paths.size(), 256U);
}

TEST(Config, LongSocketPathsThatDifferOnlyAtTheirEndsAreDifferentSockets) {
  const std::string folder = "/" + std::string(90, 'd') + "/";
  const auto config = parse_config(
      "gateway: {name: a, id: 1}\nmode: wire\nworkers: [{core: 0}]\nports:\n"
      "  - {name: h, role: host, device: \"vhost:" +
          folder +
          "h\"}\n"
          "  - {name: f, role: fabric, device: \"vhost:" +
          folder +
          "f\"}\n"
          "peers: [{name: b, id: 2, paths: [{port: f}]}]\napi: {socket: " +
          folder + "api}\n",
      "inline");
  ASSERT_TRUE(config) << config.error().front().to_string();
}

TEST(Config, MoreDevicesThanDpdkTakesAreRefused) {
  std::string text = "gateway: {name: a, id: 1}\nmode: wire\nworkers: [{core: 0}]\nports:\n";
  text += "  - {name: h, role: host, device: tap:h}\n";
  std::string paths;
  for (int i = 0; i < 32; ++i) {
    const std::string name = "f" + std::to_string(i);
    text.append("  - {name: ").append(name).append(", role: fabric, device: tap:").append(name).append("}\n");
    paths.append("      - port: ").append(name).append("\n");
  }
  const auto config = parse_config(text + "peers:\n  - name: b\n    id: 2\n    paths:\n" + paths, "x");
  ASSERT_FALSE(config);
  ASSERT_EQ(config.error().size(), 1U);
  EXPECT_EQ(config.error()[0].to_string(), "x:37:39: more than 32 devices; this build of DPDK takes no more");
}

TEST(Config, LineEndsOfWindowsAndAByteOrderMarkAreTaken) {
  std::string text = "\xef\xbb\xbf";
  for (const char c : file_text(test_file("base.yaml"))) {
    if (c == '\n') {
      text += '\r';
    }
    text += c;
  }
  const auto config = parse_config(text, "inline");
  ASSERT_TRUE(config) << config.error().front().to_string();
  EXPECT_EQ(config->gateway.peers[0].paths[1].name, "fabric1");
}

TEST(Config, AtMostFiftyErrorsAreToldAndTheRestCounted) {
  std::string text = file_text(test_file("base.yaml"));
  for (int i = 0; i < 60; ++i) {
    text += "nonsense" + std::to_string(i) + ": 1\n";
  }
  const auto config = parse_config(text, "inline");
  ASSERT_FALSE(config);
  ASSERT_EQ(config.error().size(), 50U);
  EXPECT_TRUE(config.error().back().what.ends_with(" (and 10 errors more)")) << config.error().back().what;
}

TEST(ConfigFile, WhatIsNoReadableFileIsRefusedWithTheReason) {
  const TemporaryDirectory directory;
  const std::string missing = directory.path() + "/none.yaml";
  EXPECT_EQ(first_error(missing), missing +
                                      ":1:1: cannot be read: No such file or directory; give the path of a "
                                      "configuration that this user may read");
  EXPECT_EQ(first_error(directory.path()),
            directory.path() + ":1:1: is a directory; give the path of a configuration file");
  EXPECT_EQ(first_error(missing + "/x"), missing +
                                             "/x:1:1: cannot be read: No such file or directory; give the "
                                             "path of a configuration that this user may read");
}

TEST(ConfigFile, AFileThatThisUserMayNotReadIsRefused) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "root may read everything";
  }
  const TemporaryDirectory directory;
  const std::string file = directory.write("secret.yaml", "mode: wire\n");
  ASSERT_EQ(::chmod(file.c_str(), 0), 0);
  EXPECT_EQ(first_error(file),
            file +
                ":1:1: cannot be read: Permission denied; give the path of a configuration "
                "that this user may read");
}

TEST(ConfigFile, BytesThatAreNoTextAreRefusedWhereTheyStand) {
  const TemporaryDirectory directory;
  const std::string advice = "; a configuration is YAML text in UTF-8";
  const auto error = [&](const std::string& bytes) {
    const std::string file = directory.write("x", bytes);
    return first_error(file).substr(file.size());
  };
  EXPECT_EQ(error(std::string("\x7f"
                              "ELF\x02\x01\0",
                              7)),
            ":1:1: byte 0x7f is a control character" + advice);
  EXPECT_EQ(error(std::string("mode: wire\nx: \0", 15)), ":2:4: byte 0x00 is a control character" + advice);
  EXPECT_EQ(error("mode: w\xe4re"), ":1:8: byte 0xe4 is not UTF-8" + advice);
  EXPECT_EQ(error(std::string("\xff\xfem\0", 4)), ":1:1: byte 0xff is not UTF-8" + advice);
  EXPECT_EQ(error("\xc3\xa4: \xc0\x80"), ":1:4: byte 0xc0 is not UTF-8" + advice);  // overlong
  EXPECT_EQ(error("\xed\xa0\x80"), ":1:1: byte 0xed is not UTF-8" + advice);        // a surrogate
  EXPECT_EQ(error("\xf4\x90\x80\x80"), ":1:1: byte 0xf4 is not UTF-8" + advice);    // beyond U+10FFFF
  EXPECT_EQ(error("a: \xe2\x82"), ":1:4: byte 0xe2 is not UTF-8" + advice);         // cut short
  EXPECT_EQ(error("a: 1\rb: 2\n"), ":1:5: byte 0x0d is a control character" + advice);
}

TEST(ConfigFile, AFileOfMoreThanOneMebibyteIsRefusedUnread) {
  const TemporaryDirectory directory;
  const std::string base = file_text(test_file("base.yaml")) + "#";
  const std::string largest = directory.write("large", base + std::string(1048576 - base.size(), 'x'));
  EXPECT_TRUE(load_config(largest));
  const std::string larger = directory.write("larger", base + std::string(1048577 - base.size(), 'x'));
  EXPECT_EQ(first_error(larger),
            larger + ":1:1: larger than 1 MiB; a configuration has at most 1048576 bytes");
  EXPECT_EQ(first_error("/dev/zero"),
            "/dev/zero:1:1: larger than 1 MiB; a configuration has at most 1048576 bytes");
}

}  // namespace
}  // namespace braidway::ctrl
