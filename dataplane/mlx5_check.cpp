#include "dataplane/mlx5_check.hpp"

#include <fstream>
#include <string_view>
#include <system_error>

namespace braidway::dataplane {
namespace {

namespace fs = std::filesystem;

/// The first line, or nothing: an empty GID entry cannot be read (EINVAL).
std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

/// `ports` is infiniband/DEVICE/ports. Types read "IB/RoCE v1" or "RoCE v2".
bool has_roce_gid(const fs::path& ports) {
  std::error_code error;
  for (const auto& port : fs::directory_iterator(ports, error)) {
    for (const auto& type : fs::directory_iterator(port.path() / "gid_attrs" / "types", error)) {
      if (first_line(type.path()).find("RoCE") != std::string::npos) return true;
    }
  }
  return false;
}

std::string roce_is_on(const std::string& address) {
  return "RoCE is on at ConnectX function " + address +
         ": the NIC would keep UDP port 4791 for itself. Switch it off: devlink dev param set pci/" +
         address + " name enable_roce value false cmode driverinit && devlink dev reload pci/" + address;
}

}  // namespace

tl::expected<void, std::string> check_mlx5_roce_is_off(const std::string& address, const fs::path& sysfs) {
  const fs::path function = sysfs / "bus/pci/devices" / address;
  std::error_code error;
  if (first_line(function / "vendor") != "0x15b3" ||
      fs::read_symlink(function / "driver", error).filename() != "mlx5_core")
    return {};
  bool has_device = false;
  for (const auto& device : fs::directory_iterator(function / "infiniband", error)) {
    has_device = true;
    if (has_roce_gid(device.path() / "ports")) return tl::unexpected(roce_is_on(address));
  }
  if (!has_device)
    return tl::unexpected(
        "ConnectX function " + address +
        " has no RDMA device, which DPDK's mlx5 driver works through: modprobe -a mlx5_ib ib_uverbs");
  return {};
}

}  // namespace braidway::dataplane
