// braidway-traffic: RoCEv2 between two ports of one process, every byte checked. See options.cpp for its
// flags.
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <sys/prctl.h>

#include "bench/traffic/eal.hpp"
#include "bench/traffic/options.hpp"
#include "bench/traffic/port.hpp"
#include "bench/traffic/session.hpp"

namespace {

using namespace braidway::bench::traffic;

volatile std::sig_atomic_t interrupted = 0;

constexpr int exit_not_clean = 1;
/// Memory of EAL and of the drivers' queues beside the packet buffers, MiB.
constexpr std::size_t other_memory_mib = 24;

int fail(const std::string& what) {
  std::cerr << "braidway-traffic: " << what << '\n';
  return exit_not_clean;
}

int run(const Options& options) {
  const std::size_t frame_bytes = max_frame_bytes(options.ip, options.schedule.path_mtu);
  const auto eal = Eal::start({.cores = options.cores,
                               .no_huge = options.no_huge,
                               .memory_mib = mempool_mib(frame_bytes) + other_memory_mib,
                               .client_device = options.client_device,
                               .server_device = options.server_device});
  if (!eal) return fail(eal.error());
  const auto pool = make_mempool(frame_bytes);
  if (!pool) return fail(pool.error());

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{options.wait_seconds};
  const auto keep_trying = [deadline] {
    return interrupted == 0 && std::chrono::steady_clock::now() < deadline;
  };
  const auto client = Port::open(options.client_device, **pool, frame_bytes, keep_trying);
  if (!client) return fail(client.error());
  const auto server = Port::open(options.server_device, **pool, frame_bytes, keep_trying);
  if (!server) return fail(server.error());

  if (options.hold) {
    // Whoever runs the gateways may have to wait until they have noticed these ports: what is sent to a port
    // that is down is dropped, and counted.
    std::cout << "both ports are up\n" << std::flush;
    std::string line;
    std::getline(std::cin, line);
  }

  Session session{options, **client, **server, [] { return interrupted != 0; }};
  if (const auto greeted = session.greet(keep_trying); !greeted) return fail(greeted.error());
  const Results results = session.run(options.progress ? &std::cout : nullptr);

  print_summary(std::cout, results);
  if (!options.json_file.empty()) {
    std::ofstream file{options.json_file};
    file << to_json(results) << '\n';
    if (!file.flush()) return fail(options.json_file + ": cannot be written");
  }
  return results.clean() ? 0 : exit_not_clean;
}

}  // namespace

int main(int argc, char** argv) {
  auto options = parse_options(argc, argv);
  if (const int* code = std::get_if<int>(&options)) return *code;
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);     // a vhost server that died is a result, not the end of us
  prctl(PR_SET_TIMERSLACK, 1000UL);  // nanoseconds: sleeps of 10 us shall not become 60
  try {
    return run(std::get<Options>(options));
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
