// ConnectX functions keep UDP port 4791 for their own RDMA engine unless RoCE is switched off on the
// function: DPDK then receives everything but the traffic this gateway is for. Ask before the port is opened.
//
// What counts is the state the function is in. The devlink parameter `enable_roce` is no witness: once set it
// reads "false", but takes effect with the next `devlink dev reload`. The RDMA device's GID table is: the
// kernel fills it with RoCE entries exactly when RoCE is on (Documentation/ABI/stable/sysfs-class-infiniband,
// gid_attrs/types). Not tried on real hardware: this was built where no ConnectX is. Tested against a tree of
// files of the documented layout.
#pragma once

#include <filesystem>
#include <string>

#include <tl/expected.hpp>

namespace braidway::dataplane {

/// An error sentence with the remedy if the PCI function at `address` (0000:03:00.0) is run by mlx5_core and
/// RoCE is on, or has no RDMA device, without which DPDK's mlx5 driver cannot open it. Fine for any other
/// function or one that is not there. Control thread; reads files below `sysfs` only.
[[nodiscard]] tl::expected<void, std::string> check_mlx5_roce_is_off(
    const std::string& address, const std::filesystem::path& sysfs = "/sys");

}  // namespace braidway::dataplane
