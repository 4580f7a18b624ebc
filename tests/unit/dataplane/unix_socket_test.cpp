// What may stand where a server wants its socket.
#include "dataplane/unix_socket.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/unique_fd.hpp"

namespace braidway::tests {
namespace {

namespace fs = std::filesystem;
using dataplane::claim_socket_path;

class SocketPath : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "braidway-socket-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = (folder_ / "s").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// A socket at the path; `listen`: one that takes connections.
  [[nodiscard]] dataplane::UniqueFd socket_there(bool listens, int type = SOCK_STREAM) const {
    dataplane::UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_TRUE(!listens || ::listen(fd.get(), 1) == 0);
    return fd;
  }
  void refused_with(const std::string& reason) const {
    const auto claimed = claim_socket_path(path_);
    ASSERT_FALSE(claimed);
    EXPECT_NE(claimed.error().find(reason), std::string::npos) << claimed.error();
    EXPECT_NE(claimed.error().find(path_), std::string::npos) << claimed.error();
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(SocketPath, AFreePathIsFine) { EXPECT_TRUE(claim_socket_path(path_)); }

TEST_F(SocketPath, ASocketThatAKilledProcessLeftIsRemoved) {
  {
    const auto left = socket_there(true);
  }
  ASSERT_TRUE(fs::is_socket(path_));
  EXPECT_TRUE(claim_socket_path(path_));
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(SocketPath, ASocketThatIsServedIsRefusedAndStays) {
  const auto server = socket_there(true);
  refused_with("taken by a running process");
  EXPECT_TRUE(fs::is_socket(path_));
}

TEST_F(SocketPath, AServerWhoseQueueIsFullIsServedToo) {
  const auto server = socket_there(true);
  std::vector<dataplane::UniqueFd> waiting;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
  bool found_room = true;
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    found_room =
        ::connect(waiting.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ASSERT_FALSE(found_room);
  refused_with("taken by a running process");
  EXPECT_TRUE(fs::is_socket(path_));
}

TEST_F(SocketPath, ADatagramSocketOfAnotherProgramIsRefusedAndStays) {
  const auto other = socket_there(false, SOCK_DGRAM);
  refused_with("taken by a running process");
  EXPECT_TRUE(fs::is_socket(path_));
}

TEST_F(SocketPath, AFileOrAFolderIsRefusedAndStays) {
  {
    std::ofstream(path_) << "mine";
  }
  refused_with("is no socket");
  EXPECT_EQ(fs::file_size(path_), 4U);
  fs::remove(path_);
  fs::create_directory(path_);
  refused_with("is no socket");
  EXPECT_TRUE(fs::is_directory(path_));
}

TEST_F(SocketPath, ALinkIsNotFollowed) {
  fs::create_symlink(folder_ / "elsewhere", path_);
  refused_with("is no socket");
  EXPECT_TRUE(fs::is_symlink(path_));
}

TEST_F(SocketPath, AMissingFolderIsSaid) {
  path_ = (folder_ / "none" / "s").string();
  refused_with("folder");
}

}  // namespace
}  // namespace braidway::tests
