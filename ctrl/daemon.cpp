#include "ctrl/daemon.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <limits>
#include <malloc.h>
#include <thread>
#include <vector>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "ctrl/api/dpdk_telemetry.hpp"
#include "ctrl/api/server.hpp"
#include "ctrl/forecast/loop.hpp"
#include "ctrl/reporter.hpp"
#include "dataplane/gateway.hpp"

namespace braidway::ctrl {
namespace {

/// Link changes end a wait. What messages tell of paths is looked at between two, and what workers have to
/// report is sent, of which their ring holds so much.
constexpr std::chrono::milliseconds tick_interval{100};
constexpr std::chrono::milliseconds busy_tick_interval{5};

/// Between the handlers and the loop. The handler may only raise flags: LinkMonitor::wake() is
/// async-signal-safe.
std::atomic<int> received_signal{0};
std::atomic<dataplane::Gateway*> running{nullptr};

void on_signal(int signal) {
  received_signal = signal;
  if (auto* gateway = running.load(); gateway != nullptr) {
    gateway->wake();
  }
}

void catch_signals() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    struct sigaction former{};
    sigaction(signal, nullptr, &former);
    // nohup has SIGHUP ignored.
    if (former.sa_handler != SIG_IGN) {
      sigaction(signal, &action, nullptr);
    }
  }
  // A peer that closes its end of a socket is seen by the write's error.
  std::signal(SIGPIPE, SIG_IGN);
}

/// The gateway is about to go: what a handler would wake is not to be woken any more.
void ignore_signals() {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    std::signal(signal, SIG_IGN);
  }
  running = nullptr;
}

/// Freed memory stays with the process. Giving it back to the kernel interrupts every core that runs a thread
/// of ours (TLB shootdown), workers in the middle of a burst too, with every path table that is freed.
void keep_freed_memory() {
  constexpr int never = std::numeric_limits<int>::max();
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
  mallopt(M_TRIM_THRESHOLD, never);
}

/// `file:line:column: port 'x': what`, as configuration errors look.
std::string located(const Config& config, const dataplane::StartError& error) {
  if (!error.port) {
    return config.file + ": " + error.what;
  }
  const Location at = config.port_locations[*error.port];
  return config.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": port '" +
         config.gateway.ports[*error.port].name + "': " + error.what;
}

std::unique_ptr<forecast::Loop> start_forecasts(dataplane::Gateway& gateway) {
  const auto& settings = gateway.settings();
  if (!settings.forecast) {
    return nullptr;
  }
  const auto& peer = settings.peers.front();
  auto loop = std::make_unique<forecast::Loop>(
      *gateway.path_view(),
      forecast::Loop::Parameters{.forecast = {.tick_us = settings.forecast->tick_us,
                                              .messages_us = dataplane::messages_with(peer).interval_us},
                                 .paths = peer.paths.size(),
                                 .applies = settings.forecast->applies});
  const auto rates = loop->ask([](const forecast::PeerForecast& of, const forecast::LoopState& /*state*/) {
    return std::vector(of.rates().begin(), of.rates().end());
  });
  for (std::size_t i = 0; rates && i < rates->size(); ++i) {
    if (!((*rates)[i] > 0)) {
      spdlog::warn(
          "path {} to {}: its port's driver does not say how fast the link is; nothing is forecast of it "
          "until "
          "that or rate_mbps does",
          peer.paths[i].name, peer.name);
    }
  }
  return loop;
}

/// Tells the log when the slow loop stalls, and when it goes on.
class Watchdog {
 public:
  explicit Watchdog(const forecast::Loop* loop) : loop_(loop) {}
  void look() {
    const auto silence = loop_ == nullptr ? std::nullopt : loop_->stalled();
    if (silence && !stalled_) {
      spdlog::error("the forecast has stalled for {} ms; weights are those without it, workers go on",
                    silence->count());
    } else if (!silence && stalled_) {
      spdlog::info("the forecast goes on");
    }
    stalled_ = silence.has_value();
  }

 private:
  const forecast::Loop* loop_;
  bool stalled_ = false;
};

/// Workers go on whatever happens here: a gateway that ends takes its hosts along.
void serve(dataplane::Gateway& gateway, Reporter& reporter, const forecast::Loop* forecasts) {
  Watchdog watchdog(forecasts);
  bool told = false;
  const bool busy = gateway.settings().peers.front().messages || gateway.settings().reports;
  const auto interval = busy ? busy_tick_interval : tick_interval;
  while (received_signal == 0) {
    if (auto fine = gateway.tick(interval); !fine) {
      if (!told) {
        spdlog::error("link changes are not seen any more ({}); forwarding goes on, restart when it suits",
                      fine.error());
      }
      told = true;
      std::this_thread::sleep_for(interval);
    }
    reporter.send(gateway);
    watchdog.look();
  }
  spdlog::info("signal {}: ending", received_signal.load());
}

}  // namespace

int run_daemon(const Config& config) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("braidway"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ " + config.gateway.name + ": %v");
  keep_freed_memory();
  catch_signals();
  auto gateway = dataplane::Gateway::start(config.gateway);
  if (!gateway) {
    spdlog::error("{}", located(config, gateway.error()));
    return 1;
  }
  const auto reporter = Reporter::create((*gateway)->settings(), config.collectors);
  if (!reporter) {
    spdlog::error("{}: {}", config.file, reporter.error());
    return 1;
  }
  running = gateway->get();
  const auto forecasts = start_forecasts(**gateway);
  const Session session{
      .config = config, .gateway = **gateway, .reporter = **reporter, .forecasts = forecasts.get()};
  int code = 1;
  if (auto api = ApiServer::start(config.api.socket, session); api) {
    const DpdkTelemetry telemetry(session);
    spdlog::info("{} ports, {} workers, {} memory; API at {}", config.gateway.ports.size(),
                 config.gateway.workers.size(), (*gateway)->hugepages() ? "hugepage" : "ordinary",
                 config.api.socket);
    serve(**gateway, **reporter, forecasts.get());
    code = 0;
  } else {
    spdlog::error("{}: {}", config.file, api.error());
  }
  ignore_signals();
  return code;
}

}  // namespace braidway::ctrl
