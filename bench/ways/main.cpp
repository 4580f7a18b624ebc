// What policy `auto` with its stamps costs on the whole way through a gateway, as a ratio to `pinned` in the
// same binary: bursts of 64 RoCEv2 frames go from a host through a source gateway over four paths and a sink
// gateway to a host, and each gateway's turn is timed. Once with `pinned`, once with `auto`, by turns.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "bench/ways/ring_gateway.hpp"
#include "dataplane/eal.hpp"
#include "dataplane/mempool.hpp"
#include "dataplane/pipeline.hpp"
#include "telemetry/roce.hpp"

namespace braidway::bench::ways {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t burst = 64;
constexpr std::size_t frame_bytes = 126;  ///< as bench/pps, less its trailer

struct [[gnu::packed, gnu::aligned(2)]] Headers {
  rte_ether_hdr ethernet;
  rte_ipv4_hdr ip;
  rte_udp_hdr udp;
  std::array<std::uint8_t, 4> bth;
  rte_be32_t qpn;
  rte_be32_t psn;
};
static_assert(sizeof(Headers) == 14 + 20 + 8 + 12);

/// Frames of `flows` queue pairs in a shuffled order, each in its turn with its next PSN.
class Host {
 public:
  explicit Host(std::size_t flows) : order_(flows), psns_(flows) {
    std::iota(order_.begin(), order_.end(), 0U);
    std::ranges::shuffle(order_, std::mt19937{4791});
    headers_.ethernet.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
    headers_.ip.version_ihl = RTE_IPV4_VHL_DEF;
    headers_.ip.type_of_service = 2;
    headers_.ip.total_length = rte_cpu_to_be_16(frame_bytes - sizeof headers_.ethernet);
    headers_.ip.time_to_live = 64;
    headers_.ip.next_proto_id = IPPROTO_UDP;
    headers_.udp.dst_port = rte_cpu_to_be_16(telemetry::rocev2_udp_port);
    headers_.udp.dgram_len = rte_cpu_to_be_16(frame_bytes - sizeof headers_.ethernet - sizeof headers_.ip);
    headers_.bth = {0x04, 0x40, 0xff, 0xff};  // RC SEND only
  }

  void write(const Packets& into) {
    for (rte_mbuf* packet : into) {
      const std::uint32_t flow = order_[next_];
      next_ = next_ + 1 == order_.size() ? 0 : next_ + 1;
      headers_.ip.src_addr = rte_cpu_to_be_32(RTE_IPV4(10U, 1U, 0U, flow & 31U));
      headers_.ip.dst_addr = rte_cpu_to_be_32(RTE_IPV4(10U, 2U, 0U, flow >> 5U & 31U));
      headers_.qpn = rte_cpu_to_be_32(0x100 + flow);
      headers_.psn = rte_cpu_to_be_32(psns_[flow]++ & 0xff'ffffU);
      std::memcpy(rte_pktmbuf_append(packet, frame_bytes), &headers_, sizeof headers_);
    }
  }

 private:
  Headers headers_{};
  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> psns_;  ///< by flow, next
  std::size_t next_ = 0;
};

/// Cycles a packet of one sample, by way.
struct Sample {
  double source = 0;
  double sink = 0;
};

/// Two gateways and the hosts behind them.
class Pair {
 public:
  Pair(const std::string& name, lb::Policy policy, std::size_t flows, rte_mempool* pool, std::uint64_t tsc_hz)
      : pool_(pool),
        host_(flows),
        source_(name + "a", 1, 2, policy, pool, tsc_hz),
        sink_(name + "b", 2, 1, policy, pool, tsc_hz) {}

  /// The medians over bursts: one during which the core was taken away says nothing about the code.
  Sample sample(std::size_t bursts) {
    std::vector<std::uint64_t> source;
    std::vector<std::uint64_t> sink;
    for (std::size_t i = 0; i < bursts; ++i) pass(source, sink);
    const auto median = [](std::vector<std::uint64_t>& cycles) {
      const auto middle = cycles.begin() + static_cast<std::ptrdiff_t>(cycles.size() / 2);
      std::ranges::nth_element(cycles, middle);
      return static_cast<double>(*middle) / burst;
    };
    return {.source = median(source), .sink = median(sink)};
  }

  /// Cycles a packet of each stage of a way, of the turns that the worker timed.
  [[nodiscard]] Json stages(std::string_view way) const {
    return way == dataplane::Source::name ? stages_of<dataplane::Source>(source_)
                                          : stages_of<dataplane::Sink>(sink_);
  }
  [[nodiscard]] std::uint64_t stamped() const {
    return source_.worker().lane().order_counts->get(dataplane::OrderCount::stamped);
  }

 private:
  template <typename Way>
  static Json stages_of(const RingGateway& gateway) {
    constexpr std::size_t index = std::is_same_v<Way, dataplane::Source> ? 0 : 1;
    Json out = Json::object();
    dataplane::for_each_stage<Way>([&]<typename Stage, std::size_t i>() {
      const dataplane::StageCounters& of = gateway.worker().counters().stages[index][i];
      const auto packets = static_cast<double>(std::max<std::uint64_t>(of.timed_packets.get(), 1));
      out[std::string(Stage::name)] = static_cast<double>(of.cycles.get()) / packets;
    });
    return out;
  }

  void pass(std::vector<std::uint64_t>& source, std::vector<std::uint64_t>& sink) {
    packets_.resize(burst);
    if (rte_pktmbuf_alloc_bulk(pool_, packets_.data(), burst) != 0)
      throw std::runtime_error("no buffers left");
    host_.write(packets_);
    source_.receive(RingGateway::host, packets_);
    source.push_back(source_.turn());
    for (std::size_t port = 1; port <= RingGateway::paths; ++port) {
      packets_.clear();
      source_.take(port, packets_);
      sink_.receive(port, packets_);
    }
    sink.push_back(sink_.turn());
    packets_.clear();
    sink_.take(RingGateway::host, packets_);
    if (packets_.size() != burst) throw std::runtime_error("a packet of a burst did not come out with it");
    rte_pktmbuf_free_bulk(packets_.data(), burst);
  }

  rte_mempool* pool_;
  Host host_;
  RingGateway source_;
  RingGateway sink_;
  Packets packets_;
};

struct Spread {
  double median = 0;
  double p10 = 0;
  double p90 = 0;
};

Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  const auto at = [&](std::size_t percent) { return values[percent * (values.size() - 1) / 100]; };
  return {.median = at(50), .p10 = at(10), .p90 = at(90)};
}

Json json_of(const Spread& spread) {
  return {{"median", spread.median}, {"p10", spread.p10}, {"p90", spread.p90}};
}

/// One number of flows: rounds of pinned, auto, pinned, auto.
Json measure(std::size_t flows, std::size_t rounds, std::size_t bursts, rte_mempool* pool) {
  const std::uint64_t tsc_hz = rte_get_tsc_hz();
  Pair pinned("p" + std::to_string(flows), lb::Policy::pinned, flows, pool, tsc_hz);
  Pair automatic("s" + std::to_string(flows), lb::Policy::automatic, flows, pool, tsc_hz);
  // Each flow's first bytes keep one path; what is measured is what follows.
  const std::size_t warm = std::max<std::size_t>(bursts, 40 * (flows / burst + 1));
  pinned.sample(warm);
  automatic.sample(warm);
  std::array<std::vector<Sample>, 4> samples;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples[i].push_back((i % 2 == 0 ? pinned : automatic).sample(bursts));
    }
  }
  if (pinned.stamped() != 0 || automatic.stamped() == 0)
    throw std::runtime_error("stamped is what should not be");
  Json out{{"flows", flows}};
  for (const auto& [way, cycles] : {std::pair{"source", &Sample::source}, std::pair{"sink", &Sample::sink}}) {
    std::vector<double> of_pinned;
    std::vector<double> of_automatic;
    std::vector<double> ratio;
    std::vector<double> noise;
    for (std::size_t round = 0; round < rounds; ++round) {
      const auto at = [&](std::size_t i) { return samples[i][round].*cycles; };
      of_pinned.push_back((at(0) + at(2)) / 2);
      of_automatic.push_back((at(1) + at(3)) / 2);
      ratio.push_back(of_pinned.back() / of_automatic.back());
      noise.push_back(at(0) / at(2));
    }
    out[way] = {{"pinned_cycles", json_of(spread_of(of_pinned))},
                {"auto_cycles", json_of(spread_of(of_automatic))},
                {"ratio", json_of(spread_of(ratio))},
                {"noise", json_of(spread_of(noise))}};
    const auto print = [](const Json& spread, int digits) {
      std::printf("  %.*f (%.*f to %.*f)", digits, spread["median"].get<double>(), digits,
                  spread["p10"].get<double>(), digits, spread["p90"].get<double>());
    };
    std::printf("%-7s %9zu QPs", way, flows);
    print(out[way]["pinned_cycles"], 1);
    print(out[way]["auto_cycles"], 1);
    print(out[way]["ratio"], 3);
    print(out[way]["noise"], 3);
    std::printf("\n");
    for (const auto& [policy, pair] : {std::pair{"pinned", &pinned}, std::pair{"auto", &automatic}}) {
      out[way][std::string(policy) + "_stages"] = pair->stages(way);
      std::printf("        by stage, %s:", policy);
      for (const auto& [stage, spent] : out[way][std::string(policy) + "_stages"].items()) {
        std::printf(" %s %.1f", stage.c_str(), spent.get<double>());
      }
      std::printf("\n");
    }
    std::fflush(stdout);
  }
  return out;
}

int run(int argc, char** argv) {
  CLI::App app{
      "Cycles a packet of a whole gateway with policy auto and stamps, against pinned: a burst of 64 "
      "frames of 126 bytes a turn, ports of rings, one core."};
  std::vector<std::size_t> flows{64, 10'000};
  std::size_t rounds = 15;
  std::size_t bursts = 3'000;
  std::string json;
  app.add_option("--qps", flows, "queue pairs, 64 to 60000, with commas")
      ->delimiter(',')
      ->check(CLI::Range(64, 60'000));
  app.add_option("--rounds", rounds, "each of pinned, auto, pinned, auto")->check(CLI::Range(1, 1'000));
  app.add_option("--bursts", bursts, "of a sample")->check(CLI::Range(100, 1'000'000));
  app.add_option("--json", json, "write the figures here");
  CLI11_PARSE(app, argc, argv);
  auto eal = dataplane::Eal::start({.name = "braidway-ways-" + std::to_string(getpid()),
                                    .worker_cores = {},
                                    .control_cores = {},
                                    .pci_devices = {},
                                    .memory_mib = 512,
                                    .hugepages = false,
                                    .telemetry = false});
  if (!eal) throw std::runtime_error(eal.error());
  const auto pool = dataplane::create_mempool("ways", 8'191, dataplane::data_room_for(1'528), SOCKET_ID_ANY);
  if (!pool) throw std::runtime_error(pool.error());
  std::printf("%-21s  %-22s  %-22s  %-24s  %s\n", "way", "pinned, cycles", "auto, cycles",
              "rate of auto to pinned's", "pinned to itself   (each: median, p10 to p90)");
  Json document{{"frame_bytes", frame_bytes}, {"tsc_hz", rte_get_tsc_hz()}, {"runs", Json::array()}};
  for (const std::size_t count : flows)
    document["runs"].push_back(measure(count, rounds, bursts, pool->get()));
  if (!json.empty() && !(std::ofstream(json) << document.dump(1) << '\n')) {
    throw std::runtime_error(json + " cannot be written");
  }
  return 0;
}

}  // namespace
}  // namespace braidway::bench::ways

int main(int argc, char** argv) {
  try {
    return braidway::bench::ways::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "braidway-ways: %s\n", error.what());
    return 1;
  }
}
