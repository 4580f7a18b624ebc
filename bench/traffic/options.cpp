#include "bench/traffic/options.hpp"

#include <regex>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>

namespace braidway::bench::traffic {
namespace {

constexpr int bad_usage = 2;
constexpr std::uint32_t max_message_bytes = 1U << 30;
constexpr std::uint32_t max_outstanding = 4096;

/// Why these options do not go together; empty if they do.
std::string contradiction(const Options& options) {
  if (options.client_device == options.server_device)
    return "--client-device and --server-device are the same";
  const bool reads = options.schedule.mixed || options.schedule.operation == Operation::read;
  const std::uint64_t packets = options.schedule.packets_per_message();
  if (reads && packets > options.pace.outstanding) {
    return "a READ of " + std::to_string(packets) + " packets is more than --outstanding " +
           std::to_string(options.pace.outstanding) +
           ": raise that (and the devices' queue_size), or use shorter messages";
  }
  return {};
}

/// Empty if `list` (as "0-1,3") names CPUs of this machine only, else what is wrong.
std::string check_cpus(const std::string& list) {
  static const std::regex form{"[0-9]{1,4}(-[0-9]{1,4})?(,[0-9]{1,4}(-[0-9]{1,4})?)*"};
  if (!std::regex_match(list, form)) return "a list of CPUs looks like 0-1,3";
  static const std::regex number{"[0-9]+"};
  const long cpus = sysconf(_SC_NPROCESSORS_CONF);
  for (auto at = std::sregex_iterator{list.begin(), list.end(), number}; at != std::sregex_iterator{}; ++at) {
    if (std::stol(at->str()) >= cpus) {
      return "there is no CPU " + at->str() + ", this machine has 0-" + std::to_string(cpus - 1);
    }
  }
  return {};
}

}  // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
  Options options;
  std::string operation = "write";
  int ip = 4;
  std::uint64_t rate = 0;

  CLI::App app{
      "RoCEv2 traffic between two DPDK ports of this one process: a client whose QPs send RC requests and a "
      "server that checks every byte, the order of each QP and the ICRC. Exit code 0 only if nothing was "
      "lost, "
      "reordered or damaged; 1 otherwise; 2 for bad usage."};
  app.add_option("--client-device", options.client_device,
                 "DPDK devargs, as net_virtio_user0,path=SOCKET,queue_size=1024")
      ->required();
  app.add_option("--server-device", options.server_device, "the same for the other end")->required();
  app.add_option("--operation", operation,
                 "what messages are (mix: writes, sends, reads and atomics in turn)")
      ->check(CLI::IsMember(std::vector<std::string>{operation_names.begin(), operation_names.end()}))
      ->capture_default_str();
  app.add_flag("--both-ways", options.both_ways,
               "each QP sends requests from both ends, so that ACKs, responses and requests share a flow");
  app.add_option("--qps", options.schedule.qps, "queue pairs")
      ->check(CLI::Range(1U, max_qps))
      ->capture_default_str();
  app.add_option("--message-bytes", options.schedule.message_bytes, "payload of a message; 0 is allowed")
      ->check(CLI::Range(0U, max_message_bytes))
      ->capture_default_str();
  app.add_option("--path-mtu", options.schedule.path_mtu, "payload of a packet")
      ->check(CLI::IsMember({256, 512, 1024, 2048, 4096}))
      ->capture_default_str();
  app.add_option("--ip", ip, "IP version")->check(CLI::IsMember({4, 6}))->capture_default_str();
  app.add_option("--rate", rate, "packets a second of the client; 0: as fast as acknowledgements allow")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{100'000'000}))
      ->capture_default_str();
  app.add_option("--window", options.pace.window, "unacknowledged packets of one QP")
      ->check(CLI::Range(1U, max_outstanding))
      ->capture_default_str();
  app.add_option("--outstanding", options.pace.outstanding,
                 "unacknowledged packets of all QPs; not more than the smallest ring on the way")
      ->check(CLI::Range(1U, max_outstanding))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "how long; 0: until SIGINT or SIGTERM")
      ->check(CLI::Range(0U, 31'536'000U))
      ->capture_default_str();
  app.add_option("--wait", options.wait_seconds,
                 "seconds to wait for devices, links and the way between them")
      ->check(CLI::Range(1U, 3600U))
      ->capture_default_str();
  app.add_option("--json", options.json_file, "write the results here");
  app.add_flag("--progress", options.progress, "one JSON line a second on stdout");
  app.add_flag("--hold", options.hold,
               "when both ports are up, say so on stdout and send nothing before a line has come on stdin");
  app.add_option("--cores", options.cores, "CPUs that the one thread may run on, as 0-1 (default: all)")
      ->check(check_cpus);
  app.add_flag("--no-huge", options.no_huge, "no hugepages (also chosen when too few are free)");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : bad_usage;
  }
  options.schedule.mixed = operation == "mix";
  if (operation == "send") options.schedule.operation = Operation::send;
  if (operation == "read") options.schedule.operation = Operation::read;
  if (operation == "atomic") options.schedule.operation = Operation::atomic;
  options.ip = ip == 6 ? IpVersion::v6 : IpVersion::v4;
  options.pace.packets_per_second = static_cast<double>(rate);
  if (const std::string why = contradiction(options); !why.empty()) {
    std::cerr << "braidway-traffic: " << why << '\n';
    return bad_usage;
  }
  return options;
}

}  // namespace braidway::bench::traffic
