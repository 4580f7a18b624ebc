#include "dataplane/eal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <spdlog/spdlog.h>

namespace braidway::dataplane {
namespace {

std::string joined(const std::vector<std::uint16_t>& cores, std::string_view separator) {
  std::string text;
  for (const auto core : cores) {
    text += (text.empty() ? "" : std::string(separator)) + std::to_string(core);
  }
  return text;
}

std::vector<std::uint16_t> cores_of(const cpu_set_t& set) {
  std::vector<std::uint16_t> cores;
  for (std::uint16_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) {
      cores.push_back(core);
    }
  }
  return cores;
}

/// Those of the settings; else all that no worker uses, or any if none is left.
std::vector<std::uint16_t> control_cores_of(const EalSettings& settings, const cpu_set_t& allowed) {
  if (!settings.control_cores.empty()) {
    return settings.control_cores;
  }
  auto cores = cores_of(allowed);
  std::erase_if(cores, [&](auto core) { return std::ranges::count(settings.worker_cores, core) > 0; });
  return cores.empty() ? cores_of(allowed) : cores;
}

/// lcore 0 is the main thread, floating over the control cores; worker i is lcore i + 1, pinned to its core.
std::string lcores_argument(const EalSettings& settings, const cpu_set_t& allowed) {
  std::string text = "0@(" + joined(control_cores_of(settings, allowed), ",") + ")";
  for (std::size_t i = 0; i < settings.worker_cores.size(); ++i) {
    text += "," + std::to_string(i + 1) + "@" + std::to_string(settings.worker_cores[i]);
  }
  return text;
}

tl::expected<void, std::string> check_cores(const EalSettings& settings, const cpu_set_t& allowed) {
  for (const auto& list : {settings.worker_cores, settings.control_cores}) {
    for (const auto core : list) {
      if (core >= CPU_SETSIZE || !CPU_ISSET(core, &allowed)) {
        return tl::unexpected("core " + std::to_string(core) +
                              " does not exist or is not allowed to this process; choose among " +
                              joined(cores_of(allowed), ", "));
      }
    }
  }
  return {};
}

/// As EAL finds it (eal_filesystem.h, eal_create_runtime_dir).
std::string runtime_dir_of(const std::string& prefix) {
  const char* base = std::getenv("RUNTIME_DIRECTORY");
  if (base == nullptr) {
    base = getuid() == 0 ? "/var/run" : std::getenv("XDG_RUNTIME_DIR");
  }
  return std::string(base == nullptr ? "/tmp" : base) + "/dpdk/" + prefix;
}

/// Locks the directory for as long as the descriptor is open. EAL shares no configuration here, so nothing
/// else keeps two processes of one name apart, and the first to end would take the other's telemetry socket
/// along.
tl::expected<UniqueFd, std::string> claim_runtime_dir(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path();
  if (path.size() + std::string_view("/dpdk_telemetry.v2").size() >= sizeof(sockaddr_un::sun_path)) {
    return tl::unexpected("the path of DPDK's telemetry socket, below " + path +
                          ", is too long for a socket; choose a shorter gateway.name or RUNTIME_DIRECTORY");
  }
  for (;;) {
    for (const auto& folder : {parent, path}) {
      if (mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        return tl::unexpected("cannot make " + folder + " (" + std::strerror(errno) +
                              "); make it writable, or set XDG_RUNTIME_DIR to a folder that is");
      }
    }
    UniqueFd claim(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!claim && errno == ENOENT) {
      continue;  // the last owner has just removed it
    }
    if (!claim) {
      return tl::unexpected("cannot open " + path + " (" + std::strerror(errno) + "); remove it");
    }
    if (flock(claim.get(), LOCK_EX | LOCK_NB) != 0) {
      return tl::unexpected("a gateway of this name runs already (it holds " + path +
                            "); stop it, or choose another gateway.name");
    }
    struct stat locked{};
    struct stat named{};
    if (fstat(claim.get(), &locked) == 0 && stat(path.c_str(), &named) == 0 &&
        locked.st_ino == named.st_ino) {
      return claim;
    }
  }
}

/// EAL leaves the directory behind, and the telemetry socket in it until the process exits.
void remove_runtime_dir(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

}  // namespace

std::uint64_t free_hugepage_mib() {
  std::uint64_t mib = 0;
  std::error_code ignored;
  for (const auto& size : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", ignored)) {
    std::uint64_t pages = 0;
    std::ifstream(size.path() / "free_hugepages") >> pages;
    // hugepages-2048kB
    const std::string name = size.path().filename().string();
    const std::uint64_t kib = std::strtoull(name.c_str() + std::strlen("hugepages-"), nullptr, 10);
    mib += pages * kib / 1024;
  }
  return mib;
}

tl::expected<Eal, std::string> Eal::start(const EalSettings& settings) {
  cpu_set_t affinity;
  CPU_ZERO(&affinity);
  sched_getaffinity(0, sizeof affinity, &affinity);
  if (auto fine = check_cores(settings, affinity); !fine) {
    return tl::unexpected(fine.error());
  }
  const std::string runtime_dir = runtime_dir_of(settings.name);
  auto claim = claim_runtime_dir(runtime_dir);
  if (!claim) {
    return tl::unexpected(claim.error());
  }
  std::vector<std::string> arguments{"braidway",
                                     "--file-prefix=" + settings.name,
                                     "--lcores",
                                     lcores_argument(settings, affinity),
                                     "--main-lcore",
                                     "0",
                                     "--log-level=lib.*:warning",
                                     "--log-level=pmd.*:warning",
                                     "-m",
                                     std::to_string(settings.memory_mib)};
  if (settings.hugepages) {
    // No files but the telemetry socket, and few file descriptors: vhost-user's region table has eight
    // places.
    arguments.emplace_back("--in-memory");
    arguments.emplace_back("--single-file-segments");
    arguments.push_back("--socket-limit=" + std::to_string(settings.limit_mib));
  } else {
    // EAL refuses --in-memory with --no-huge; this is what there is of it.
    arguments.emplace_back("--no-huge");
    arguments.emplace_back("--no-shconf");
  }
  if (!settings.telemetry) {
    arguments.emplace_back("--no-telemetry");
  }
  if (settings.pci_devices.empty()) {
    arguments.emplace_back("--no-pci");
  } else {
    // An allow-list with nothing on it: ports probe their own device when they are opened, with its devargs.
    arguments.emplace_back("-a");
    arguments.emplace_back("0000:00:00.0");
  }
  std::vector<char*> argv;
  argv.reserve(arguments.size());
  for (auto& argument : arguments) {
    argv.push_back(argument.data());
  }
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    const int error = rte_errno;
    rte_eal_cleanup();
    sched_setaffinity(0, sizeof affinity, &affinity);
    remove_runtime_dir(runtime_dir);
    const std::uint64_t free_mib = free_hugepage_mib();
    const bool too_few = settings.hugepages && free_mib < settings.memory_mib;
    return tl::unexpected("DPDK did not start (" + std::string(rte_strerror(error)) + "); " +
                          (too_few ? std::to_string(settings.memory_mib) + " MiB of hugepages are needed, " +
                                         std::to_string(free_mib) +
                                         " are free: reserve more in /sys/kernel/mm/hugepages, or set "
                                         "memory.hugepages: off for software ports"
                                   : "EAL's lines above say why"));
  }
  return Eal(affinity, runtime_dir, std::move(*claim));
}

Eal::Eal(Eal&& other) noexcept
    : affinity_(other.affinity_),
      runtime_dir_(std::move(other.runtime_dir_)),
      claim_(std::move(other.claim_)),
      owner_(other.owner_) {
  other.owner_ = false;
}

Eal::~Eal() {
  if (!owner_) {
    return;
  }
  rte_eal_cleanup();
  sched_setaffinity(0, sizeof affinity_, &affinity_);
  remove_runtime_dir(runtime_dir_);
}

}  // namespace braidway::dataplane
