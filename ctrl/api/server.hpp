// The daemon's side of braidwayctl: HTTP and JSON over a UNIX socket (mode 0660). One route a command
// (command.hpp). Owner: the control thread. Requests are answered on a thread of the server's own, which
// holds no worker up.
#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "ctrl/api/command.hpp"

namespace braidway::ctrl {

class ApiServer {
 public:
  /// Error: one sentence saying what to do.
  static tl::expected<std::unique_ptr<ApiServer>, std::string> start(const std::string& socket,
                                                                     Session session);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

 private:
  class State;
  explicit ApiServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace braidway::ctrl
