// A UNIX socket that takes lines and answers each with a line. Owner: one thread, which calls serve() in a
// loop; clients that misbehave (endless lines, unread answers) are hung up on and hold up nobody.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "dataplane/unique_fd.hpp"

namespace braidway::bench::wire {

class ControlSocket {
 public:
  /// Only this user and group may connect. Error: one sentence saying what to do.
  static tl::expected<ControlSocket, std::string> listen_on(const std::string& path);
  ~ControlSocket();
  ControlSocket(ControlSocket&& other) noexcept;
  ControlSocket& operator=(ControlSocket&&) = delete;
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  /// Waits for clients, at most that long or until a signal comes, and answers what they have asked.
  void serve(std::chrono::milliseconds longest, const std::function<std::string(std::string_view)>& answer);

 private:
  struct Client {
    dataplane::UniqueFd fd;
    std::string line;  ///< as far as it has come
  };

  ControlSocket(std::string path, dataplane::UniqueFd listener)
      : path_{std::move(path)}, listener_{std::move(listener)} {}
  void accept_client();
  /// False: the client has gone, or has to.
  static bool attend(Client& client, const std::function<std::string(std::string_view)>& answer);

  std::string path_;
  dataplane::UniqueFd listener_;
  std::vector<Client> clients_;
};

/// The answer of the server that listens on `path` to a line, without the line's end. Error: one sentence
/// saying what to do.
tl::expected<std::string, std::string> ask(const std::string& path, std::string line);

}  // namespace braidway::bench::wire
