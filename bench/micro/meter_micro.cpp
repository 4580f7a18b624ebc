// What the meters cost: of bursts of 64 tagged packets at the sink, read and examined already, all that
// `measure` does; and of packets and ACKs without a peer what following them takes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/per_packet.hpp"
#include "bench/micro/traffic.hpp"
#include "telemetry/feedback_records.hpp"
#include "telemetry/int_md.hpp"
#include "telemetry/path_meter.hpp"
#include "telemetry/return_traffic.hpp"

namespace braidway::bench {
namespace {

constexpr std::int64_t burst_ns = 6'400;  ///< between bursts: 10 million packets a second
constexpr std::size_t bursts = 256;
constexpr std::size_t path_count = 8;
constexpr std::uint16_t load = 0xf000;
constexpr std::uint16_t load_and_utilisation = 0xf100;

/// Which packets of a burst come by which of eight paths.
enum class Paths : std::uint8_t { one, each_burst_another, each_packet_another };
/// fifo: packets left one after the other and all waited for the same queue. random: each for one of its own,
/// up to 50 us: the worst for whoever predicts branches.
enum class Queues : std::uint8_t { fifo, random };

/// A sink that hears a peer's packets.
class Sink {
 public:
  /// `hops` stand on each packet's stack, with what `bitmap` says; `metered` of a path are metered one by
  /// one.
  Sink(Paths paths, Queues queues, std::size_t hops, std::size_t metered, std::uint16_t bitmap)
      : meters(std::array{telemetry::PathMeters::Peer{path_count, &clock}}, metered),
        paths_(paths),
        queues_(queues) {
    std::mt19937_64 random{seed};
    for (std::size_t i = 0; i < delays_.size(); ++i)
      delays_[i] = static_cast<std::uint32_t>(random() % 50'000);
    clock.heard({}, {}, false);
    const std::size_t words = telemetry::int_hop_words(bitmap);
    stacks_.resize(burst * hops * words * 4);
    for (std::size_t i = 0; i < burst * hops; ++i) {
      telemetry::store_hop(&stacks_[i * words * 4], bitmap,
                           {.node_id = static_cast<std::uint32_t>(i % hops),
                            .hop_latency = static_cast<std::uint32_t>(random() % 10'000),
                            .queue = static_cast<std::uint32_t>(random() % 100'000),
                            .egress_utilisation = static_cast<std::uint32_t>(random() % 101)});
    }
    for (std::size_t i = 0; i < burst; ++i) {
      burst_[i] = {.bytes = 1'100, .stack = {stacks_.data() + i * hops * words * 4, bitmap, hops}};
    }
  }

  void prepare(std::size_t number) noexcept {
    now_ += burst_ns;
    for (std::size_t i = 0; i < burst; ++i) {
      const std::size_t other = paths_ == Paths::each_packet_another ? i : number;
      burst_[i].meter = paths_ == Paths::one ? 0 : static_cast<std::uint32_t>(other % path_count);
      const std::size_t waited = queues_ == Queues::fifo ? number : number * burst + i;
      const auto spread = static_cast<std::uint32_t>((burst - 1 - i) * (burst_ns / burst));
      burst_[i].departure = static_cast<std::uint32_t>(now_) - spread - delays_[waited % delays_.size()];
      burst_[i].ce = i % 16 == 0;
    }
  }
  void measure() noexcept { meters.measure(burst_, lb::Nanoseconds{now_}); }

  telemetry::SourceClock clock;
  telemetry::PathMeters meters;

 private:
  Paths paths_;
  Queues queues_;
  std::vector<std::byte> stacks_;
  std::array<std::uint32_t, 4'096> delays_;
  std::array<telemetry::PathSample, burst> burst_{};
  std::int64_t now_ = 1;
};

template <Paths paths, Queues queues, std::size_t hops, std::size_t metered = 0, std::uint16_t bitmap = load>
void measure(benchmark::State& state) {
  Sink sink(paths, queues, hops, metered, bitmap);
  per_packet(
      state, bursts, [&](std::size_t i) { sink.prepare(i); },
      [&] {
        sink.measure();
        benchmark::ClobberMemory();
      });
}

BENCHMARK(measure<Paths::one, Queues::fifo, 0>)->Name("measure, one path a burst");
BENCHMARK(measure<Paths::one, Queues::fifo, 0>)->Name("measure, one path a burst A/A");
BENCHMARK(measure<Paths::each_burst_another, Queues::fifo, 0>)->Name("measure, another path each burst");
BENCHMARK(measure<Paths::each_packet_another, Queues::fifo, 0>)->Name("measure, another path each packet");
BENCHMARK(measure<Paths::one, Queues::random, 0>)->Name("measure, one path a burst, random delays");
BENCHMARK(measure<Paths::one, Queues::fifo, 3>)->Name("measure, 3 hops F000, not one by one");
BENCHMARK(measure<Paths::one, Queues::fifo, 3, 8>)->Name("measure, 3 hops F000");
BENCHMARK(measure<Paths::one, Queues::fifo, 3, 8>)->Name("measure, 3 hops F000 A/A");
BENCHMARK(measure<Paths::one, Queues::fifo, 3, 8, load_and_utilisation>)->Name("measure, 3 hops F100");
BENCHMARK(measure<Paths::each_packet_another, Queues::fifo, 3, 8>)
    ->Name("measure, 3 hops F000, another path each packet");

/// The records of 8 paths for one message, from the meters of `lanes` lanes; cycles a record.
void records(benchmark::State& state) {
  std::vector<std::unique_ptr<Sink>> lanes;
  std::vector<telemetry::PathMeters*> meters;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    lanes.push_back(std::make_unique<Sink>(Paths::each_packet_another, Queues::fifo, 0, 0, load));
    meters.push_back(&lanes.back()->meters);
  }
  telemetry::FeedbackRecords feedback(meters, 0, lanes.front()->clock);
  std::array<telemetry::PathRecord, burst> out;
  per_packet(
      state, bursts,
      [&](std::size_t i) {
        for (auto& lane : lanes) {
          lane->prepare(i);
          lane->measure();
        }
      },
      [&] {
        for (std::size_t i = 0; i < burst; ++i) {
          out[i] = feedback.next(lb::PathId{static_cast<std::uint8_t>(i % path_count)}, {}, {});
        }
        benchmark::DoNotOptimize(out);
      });
}

/// The next packet of each of `flows` flows in turn, all of which ask for an ACK or none; or their ACKs.
enum class Followed : std::uint8_t { packets, timed_packets, acks };

template <Followed what>
void follow(benchmark::State& state) {
  Traffic traffic(static_cast<std::size_t>(state.range(0)));
  telemetry::ReturnTraffic returns(path_count, {.flows = traffic.flows()});
  std::array<lb::FlowKey, burst> answers;
  std::array<std::uint64_t, burst> answer_hashes{};
  std::array<telemetry::SentPacket, burst> packets;
  std::array<telemetry::ReturnedPacket, burst> acks;
  std::int64_t now = 0;
  std::uint32_t round = 0;
  const auto send = [&] { returns.sent(traffic.hashes, traffic.keys, packets, lb::Nanoseconds{now}); };
  const auto hear = [&] { returns.returned(answer_hashes, answers, acks, lb::Nanoseconds{now}); };
  per_packet(
      state, traffic.bursts(),
      [&](std::size_t number) {
        traffic.prepare(number);
        now += burst_ns;
        round += number == 0 ? 1 : 0;
        for (std::size_t i = 0; i < burst; ++i) {
          packets[i] = {.psn = round & 0xff'ffff,
                        .path = static_cast<std::uint16_t>(i % path_count),
                        .opcode = static_cast<std::uint8_t>(telemetry::Opcode::rc_write_middle),
                        .ack_requested = what != Followed::packets};
          acks[i] = {.psn = packets[i].psn,
                     .opcode = static_cast<std::uint8_t>(telemetry::Opcode::rc_acknowledge),
                     .syndrome = telemetry::aeth_ack};
        }
        for (std::size_t i = 0; i < burst; ++i) {
          const auto& words = traffic.keys[i].words;
          answers[i] = lb::FlowKey{{words[2], words[3], words[0], words[1], words[4]}};
        }
        lb::FlowHasher{seed}.hash_burst(answers, answer_hashes);
        if (what == Followed::acks) send();
      },
      [&] {
        if (what == Followed::acks) {
          hear();
        } else {
          send();
        }
        benchmark::ClobberMemory();
      });
}

BENCHMARK(follow<Followed::packets>)->Name("single-ended, a packet")->Arg(1'000)->Arg(100'000);
BENCHMARK(follow<Followed::packets>)->Name("single-ended, a packet A/A")->Arg(1'000)->Arg(100'000);
BENCHMARK(follow<Followed::timed_packets>)->Name("single-ended, a timed packet")->Arg(1'000)->Arg(100'000);
BENCHMARK(follow<Followed::acks>)->Name("single-ended, an ACK")->Arg(1'000)->Arg(100'000);

BENCHMARK(records)->Name("a path's record for a feedback")->Arg(1)->Arg(4);

}  // namespace
}  // namespace braidway::bench
