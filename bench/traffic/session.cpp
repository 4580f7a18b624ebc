#include "bench/traffic/session.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ostream>
#include <thread>

#include <nlohmann/json.hpp>

namespace braidway::bench::traffic {
namespace {

using telemetry::Opcode;

constexpr std::int64_t second = 1'000'000'000;
/// After the last message is complete, so long nothing has come: what is missing then is lost.
constexpr std::int64_t quiet_when_done = second / 2;
/// A drain in which nothing arrives, or that never ends, is given up.
constexpr std::int64_t quiet_when_stuck = 3 * second;
constexpr std::int64_t longest_drain = 20 * second;

std::int64_t steady_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Sleeps longer the longer nothing happens: the gateways need the cores.
class Backoff {
 public:
  void after(bool busy) {
    if (busy) {
      idle_ = 0;
      return;
    }
    if (++idle_ <= free_turns) return;
    std::this_thread::sleep_for(std::min(shortest * (idle_ - free_turns), longest));
  }

 private:
  static constexpr int free_turns = 4;
  static constexpr std::chrono::microseconds shortest{10};
  static constexpr std::chrono::microseconds longest{100};
  int idle_ = 0;
};

/// A greeting is a UD SEND to the general service QP, as connection managers send it (IBTA 12, QP 1).
constexpr std::uint32_t greeting_qpn = 1;
constexpr std::size_t mad_bytes = 256;

std::size_t write_greeting(const Route& route, std::span<std::byte> buffer) {
  constexpr telemetry::Deth deth{.qkey = {0x80, 0x01, 0x00, 0x00}, .reserved = 0, .source_qpn = {0, 0, 1}};
  const FrameFields fields{.opcode = Opcode::ud_send_only,
                           .dest_qpn = greeting_qpn,
                           .udp_source = udp_source_of(greeting_qpn),
                           .extension = std::as_bytes(std::span{&deth, 1}),
                           .payload_bytes = mad_bytes};
  return route
      .write(buffer, fields, [](std::span<std::byte> payload) { std::ranges::fill(payload, std::byte{0}); })
      .bytes;
}

bool is_greeting(const Route& route, std::span<const std::byte> bytes) {
  Route::Frame frame;
  return route.read(bytes, frame) == Route::Reading::whole && frame.dest_qpn == greeting_qpn;
}

std::uint32_t depth_of(const Options& options) {
  return ledger_depth(options.schedule, options.pace) * (options.both_ways ? 2 : 1);
}

}  // namespace

Session::Session(const Options& options, Port& client, Port& server, std::function<bool()> interrupted)
    : options_{options},
      client_port_{client},
      server_port_{server},
      interrupted_{std::move(interrupted)},
      there_{Route{client_endpoint, server_endpoint, options.ip}, server_qpn_base, options.schedule.qps,
             depth_of(options)},
      back_{Route{server_endpoint, client_endpoint, options.ip}, client_qpn_base, options.schedule.qps,
            depth_of(options)},
      client_{options.both_ways ? Role::both : Role::requests, options.schedule, options.pace, there_, back_},
      server_{options.both_ways ? Role::both : Role::responds, options.schedule, options.pace, back_,
              there_} {}

tl::expected<void, std::string> Session::greet(const std::function<bool()>& keep_trying) {
  bool reached_server = false;
  bool reached_client = false;
  constexpr auto look_every = std::chrono::milliseconds{1};
  constexpr int send_every = 20;
  for (int turn = 0; !reached_server || !reached_client; ++turn) {
    if (interrupted_()) return tl::unexpected{std::string{"interrupted before any traffic"}};
    if (!keep_trying()) {
      return tl::unexpected{std::string{"nothing gets from "} +
                            (reached_server ? options_.server_device + " to " + options_.client_device
                                            : options_.client_device + " to " + options_.server_device) +
                            ": are the gateways between them running, with a live path?"};
    }
    bool due = turn % send_every == 0;
    const auto once = [&due](const Route& route) {
      return [&due, &route](std::span<std::byte> buffer) {
        return std::exchange(due, false) ? write_greeting(route, buffer) : std::size_t{0};
      };
    };
    if (!reached_server) client_port_.send(once(there_.route()));
    due = turn % send_every == 0;
    if (!reached_client) server_port_.send(once(back_.route()));
    server_port_.receive([&](auto bytes) { reached_server |= is_greeting(there_.route(), bytes); });
    client_port_.receive([&](auto bytes) { reached_client |= is_greeting(back_.route(), bytes); });
    std::this_thread::sleep_for(look_every);
  }
  return {};
}

/// One turn of both ends; whether anything arrived or left.
bool Session::exchange(lb::Nanoseconds now) {
  client_.tick(now);
  server_.tick(now);
  std::size_t frames = 0;
  frames += client_port_.receive([&](auto bytes) { client_.receive(now, bytes); });
  frames += client_port_.send([&](auto buffer) { return client_.poll(now, buffer); });
  frames += server_port_.receive([&](auto bytes) { server_.receive(now, bytes); });
  frames += server_port_.send([&](auto buffer) { return server_.poll(now, buffer); });
  return frames > 0;
}

bool Session::drained() const noexcept {
  return client_.drained() && server_.drained() && client_port_.all_sent() && server_port_.all_sent();
}

Results Session::results(double seconds) const {
  Results results = collect(there_, back_, client_, server_);
  results.seconds = seconds;
  results.qps = options_.schedule.qps;
  return results;
}

Results Session::run(std::ostream* progress) {
  const std::int64_t start = steady_now();
  const std::int64_t planned_end = options_.seconds == 0 ? INT64_MAX : start + options_.seconds * second;
  std::int64_t stopped_at = INT64_MAX;
  std::int64_t arrival_at = start;
  std::int64_t next_line = start + second;
  std::uint64_t arrived = 0;
  std::uint64_t sent_before = 0;
  bool finished = false;
  Backoff backoff;
  for (std::int64_t now = start;; now = steady_now()) {
    backoff.after(exchange(lb::Nanoseconds{now}));

    const Ledger& there = there_.ledger();
    const Ledger& back = back_.ledger();
    const std::uint64_t delivered = there.delivered() + back.delivered();
    const std::uint64_t sent = there.sent() + back.sent();
    if (std::exchange(arrived, delivered) != delivered) arrival_at = now;

    if (progress != nullptr && now >= next_line) {
      const Results so_far = results(static_cast<double>(now - start) / second);
      const nlohmann::ordered_json line{{"second", (next_line - start) / second},
                                        {"sent", sent},
                                        {"delivered", so_far.delivered},
                                        {"under_way", so_far.sent - so_far.delivered},
                                        {"frames_per_second", sent - sent_before},
                                        {"messages", so_far.messages},
                                        {"bytes", so_far.bytes},
                                        {"reordered", so_far.reordered},
                                        {"retransmitted", so_far.retransmitted},
                                        {"icrc_errors", so_far.icrc_errors}};
      *progress << line.dump() << '\n' << std::flush;
      sent_before = sent;
      next_line += second;
    }

    if (stopped_at == INT64_MAX) {
      if (now < planned_end && !interrupted_()) continue;
      client_.stop();
      server_.stop();
      stopped_at = now;
      arrival_at = now;
    }
    finished = drained();
    if (finished && (sent == delivered || now - arrival_at > quiet_when_done)) break;
    if (now - arrival_at > quiet_when_stuck || now - stopped_at > longest_drain) break;
  }
  Results final_results = results(static_cast<double>(stopped_at - start) / second);
  final_results.finished = finished;
  return final_results;
}

}  // namespace braidway::bench::traffic
