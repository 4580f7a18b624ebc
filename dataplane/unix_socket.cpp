#include "dataplane/unix_socket.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace braidway::dataplane {

bool is_listening(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return true;  // not known to be free
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  const bool refused = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
                       (errno == ECONNREFUSED || errno == ENOENT);
  close(fd);
  return !refused;
}

tl::expected<void, std::string> claim_socket_path(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto folder = fs::path(path).parent_path();
  if (!folder.empty() && !fs::is_directory(folder, error)) {
    return tl::unexpected("the folder of socket " + path + " does not exist; create it");
  }
  const auto status = fs::symlink_status(path, error);
  if (!fs::exists(status)) {
    return {};
  }
  if (!fs::is_socket(status)) {
    return tl::unexpected(path + " exists and is no socket; remove it or choose another path");
  }
  if (is_listening(path)) {
    return tl::unexpected("socket " + path +
                          " is taken by a running process; stop it or choose another path");
  }
  if (!fs::remove(path, error)) {
    return tl::unexpected("socket " + path + " is left over and cannot be removed (" + error.message() + ")");
  }
  return {};
}

}  // namespace braidway::dataplane
