// The check for RoCE on ConnectX functions, on a tree of files laid out as sysfs documents it. No ConnectX
// has seen it.
#include "dataplane/mlx5_check.hpp"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace braidway::dataplane {
namespace {

namespace fs = std::filesystem;

class Mlx5Check : public ::testing::Test {
 protected:
  Mlx5Check() {
    std::string name = fs::temp_directory_path() / "braidway-mlx5-XXXXXX";
    root_ = ::mkdtemp(name.data());
    function_ = root_ / "bus/pci/devices/0000:03:00.0";
    fs::create_directories(function_);
  }
  ~Mlx5Check() override { fs::remove_all(root_); }

  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories((function_ / file).parent_path());
    std::ofstream(function_ / file) << text << '\n';
  }
  void is_run_by(const std::string& driver) const {
    fs::create_directories(root_ / "bus/pci/drivers" / driver);
    fs::create_directory_symlink("../../../bus/pci/drivers/" + driver, function_ / "driver");
  }
  [[nodiscard]] std::string check() const {
    const auto result = check_mlx5_roce_is_off("0000:03:00.0", root_);
    return result ? "" : result.error();
  }

  fs::path root_;
  fs::path function_;
};

TEST_F(Mlx5Check, RoceGidsAreAnErrorWithTheRemedy) {
  write("vendor", "0x15b3");
  is_run_by("mlx5_core");
  write("infiniband/mlx5_0/ports/1/gid_attrs/types/0", "IB/RoCE v1");
  write("infiniband/mlx5_0/ports/1/gid_attrs/types/1", "RoCE v2");
  EXPECT_NE(
      check().find("devlink dev param set pci/0000:03:00.0 name enable_roce value false cmode driverinit && "
                   "devlink dev reload pci/0000:03:00.0"),
      std::string::npos)
      << check();
}

TEST_F(Mlx5Check, ASecondPortCounts) {
  write("vendor", "0x15b3");
  is_run_by("mlx5_core");
  write("infiniband/mlx5_0/ports/1/gid_attrs/types/0", "");
  write("infiniband/mlx5_0/ports/2/gid_attrs/types/5", "RoCE v2");
  EXPECT_NE(check(), "");
}

TEST_F(Mlx5Check, AnEmptyGidTableIsFine) {
  write("vendor", "0x15b3");
  is_run_by("mlx5_core");
  write("infiniband/mlx5_0/ports/1/gid_attrs/types/0", "");
  EXPECT_EQ(check(), "");
}

TEST_F(Mlx5Check, ADeviceWithoutAGidTableIsFine) {
  write("vendor", "0x15b3");
  is_run_by("mlx5_core");
  write("infiniband/mlx5_0/ports/1/state", "4: ACTIVE");
  EXPECT_EQ(check(), "");
}

TEST_F(Mlx5Check, NoRdmaDeviceIsAnErrorWithTheModulesToLoad) {
  write("vendor", "0x15b3");
  is_run_by("mlx5_core");
  EXPECT_NE(check().find("modprobe -a mlx5_ib ib_uverbs"), std::string::npos) << check();
}

TEST_F(Mlx5Check, AConnectxUnderAnotherDriverIsNotOurs) {
  write("vendor", "0x15b3");
  is_run_by("vfio-pci");
  EXPECT_EQ(check(), "");
}

TEST_F(Mlx5Check, AnotherVendorIsNotOurs) {
  write("vendor", "0x8086");
  is_run_by("ice");
  write("infiniband/irdma0/ports/1/gid_attrs/types/0", "RoCE v2");
  EXPECT_EQ(check(), "");
}

TEST_F(Mlx5Check, AFunctionThatIsNotThereIsLeftToWhoOpensIt) {
  EXPECT_TRUE(check_mlx5_roce_is_off("0000:ff:00.0", root_));
  EXPECT_TRUE(check_mlx5_roce_is_off("", root_));
}

}  // namespace
}  // namespace braidway::dataplane
