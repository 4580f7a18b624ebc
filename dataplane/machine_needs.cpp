#include "dataplane/machine_needs.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "dataplane/device.hpp"
#include "dataplane/eal.hpp"

namespace braidway::dataplane {
namespace {

bool needs_hardware(const GatewaySettings& settings) {
  return std::ranges::any_of(settings.ports, [](const PortSettings& port) {
    const auto word = parse_device_word(port.device.value_or(""));
    return word && !is_software(word->kind);
  });
}

}  // namespace

std::vector<std::string> pci_devices_of(const GatewaySettings& settings) {
  std::vector<std::string> devices;
  for (const auto& port : settings.ports) {
    const auto word = parse_device_word(port.device.value_or(""));
    if (word && word->kind == DeviceKind::pci) {
      devices.push_back(word->argument);
    }
  }
  return devices;
}

tl::expected<bool, std::string> choose_hugepages(const GatewaySettings& settings, std::uint32_t need_mib) {
  const std::uint64_t free_mib = free_hugepage_mib();
  const bool enough = free_mib >= need_mib;
  const bool must = settings.memory.hugepages == Hugepages::require || needs_hardware(settings);
  if (settings.memory.hugepages == Hugepages::off && needs_hardware(settings)) {
    return tl::unexpected<std::string>(
        "a PCI device needs hugepages; set memory.hugepages to automatic or require");
  }
  if (settings.memory.hugepages == Hugepages::off) {
    return false;
  }
  if (!enough && must) {
    return tl::unexpected(std::to_string(need_mib) + " MiB of hugepages are needed and " +
                          std::to_string(free_mib) + " MiB are free; reserve more: echo " +
                          std::to_string(need_mib / 2 + 1) +
                          " > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
  }
  if (!enough) {
    spdlog::warn(
        "{} MiB of hugepages are needed and {} MiB are free: running without (software ports only, slower)",
        need_mib, free_mib);
  }
  return enough;
}

}  // namespace braidway::dataplane
