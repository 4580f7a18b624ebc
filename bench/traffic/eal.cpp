#include "bench/traffic/eal.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sched.h>
#include <unistd.h>
#include <vector>

#include <rte_eal.h>
#include <rte_errno.h>

#include "dataplane/hugepage_turn.hpp"

namespace braidway::bench::traffic {
namespace {

constexpr std::size_t page_mib = 2;

/// Hugepages of 2 MiB that nobody has taken.
std::size_t free_hugepages() {
  std::ifstream file{"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"};
  std::size_t pages = 0;
  file >> pages;
  return file ? pages : 0;
}

std::string allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return "0";
  std::string list;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) list.append(list.empty() ? "" : ",").append(std::to_string(cpu));
  }
  return list;
}

bool is_virtual(const std::string& devargs) {
  return devargs.starts_with("net_") || devargs.starts_with("eth_");
}

}  // namespace

tl::expected<Eal, std::string> Eal::start(const Settings& settings) {
  const dataplane::UniqueFd turn = settings.no_huge ? dataplane::UniqueFd{} : dataplane::hugepage_turn();
  // Twice the need: others on this machine take hugepages, too, and EAL rounds up.
  const bool no_huge = settings.no_huge || free_hugepages() * page_mib < settings.memory_mib * 2;
  if (no_huge && !settings.no_huge)
    std::cerr << "braidway-traffic: too few free hugepages, going on without\n";

  const std::string cpus = settings.cores.empty() ? allowed_cpus() : settings.cores;
  std::vector<std::string> words{"braidway-traffic",
                                 "--no-telemetry",
                                 "--log-level=error",
                                 std::string{"--file-prefix=traffic-"}.append(std::to_string(getpid())),
                                 std::string{"--lcores=0@("}.append(cpus).append(")"),
                                 "-m",
                                 std::to_string(settings.memory_mib)};
  // virtio_user hands its memory to the vhost process as at most eight file descriptors: one file, not one a
  // page. Without hugepages it is one file anyway (and --in-memory is refused by DPDK 22.11).
  if (no_huge)
    words.insert(words.end(), {"--no-huge", "--no-shconf"});
  else
    words.insert(words.end(), {"--in-memory", "--single-file-segments"});
  bool needs_pci = false;
  for (const std::string& device : {settings.client_device, settings.server_device}) {
    if (is_virtual(device)) continue;
    needs_pci = true;
    words.insert(words.end(), {"-a", device});
  }
  if (!needs_pci) words.emplace_back("--no-pci");

  std::vector<char*> argv;
  argv.reserve(words.size());
  for (std::string& word : words) argv.push_back(word.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    return tl::unexpected{
        std::string{"DPDK does not start ("} + rte_strerror(rte_errno) +
        "): see above; --no-huge needs no hugepages, --cores must name CPUs of this machine"};
  }
  return Eal{};
}

Eal::~Eal() {
  if (!running_) return;
  const std::filesystem::path directory = rte_eal_get_runtime_dir();
  rte_eal_cleanup();
  std::error_code ignored;  // a directory that stays behind harms nobody
  std::filesystem::remove_all(directory, ignored);
}

}  // namespace braidway::bench::traffic
