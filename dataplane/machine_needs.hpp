// What a gateway needs of the machine before EAL starts: PCI devices, and hugepages or not. Owner: the
// control thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "dataplane/settings.hpp"

namespace braidway::dataplane {

[[nodiscard]] std::vector<std::string> pci_devices_of(const GatewaySettings& settings);

/// True: with hugepages. Error: they are needed and not there.
[[nodiscard]] tl::expected<bool, std::string> choose_hugepages(const GatewaySettings& settings,
                                                               std::uint32_t need_mib);

}  // namespace braidway::dataplane
