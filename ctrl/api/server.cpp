#include "ctrl/api/server.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <utility>

#include <httplib.h>

#include "dataplane/unix_socket.hpp"

namespace braidway::ctrl {
namespace {

constexpr int any_port = 80;  // httplib wants one; a UNIX socket has none
constexpr std::size_t max_request_bytes = std::size_t{64} * 1024;
constexpr std::size_t server_threads = 4;  // a client that keeps its connection holds one
constexpr std::size_t max_requests_per_connection = 1'000'000;
constexpr std::time_t patience_seconds =
    1;                        // with a client that asks nothing, stops in mid-request or reads nothing
constexpr int backlog = 128;  // httplib's is 5, and the sixth client at a time would be turned away

Json error_json(const std::string& what) { return Json{{"error", what}}; }

void reply(httplib::Response& response, int status, const Json& json) {
  response.status = status;
  response.set_content(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n", "application/json");
}

/// The command's arguments out of the query or form; error names the one that is missing or unknown.
tl::expected<Arguments, std::string> arguments_of(const Command& command, const httplib::Request& request) {
  Arguments arguments;
  for (const auto& [name, text] : request.params) {
    const bool known =
        std::ranges::any_of(command.arguments, [&](const Argument& a) { return a.name == name; });
    if (!known) {
      return tl::unexpected("'" + std::string(command.name) + "' has no argument '" + name + "'");
    }
    arguments[name] = text;
  }
  for (const auto& argument : command.arguments) {
    if (argument.required && !arguments.contains(std::string(argument.name))) {
      return tl::unexpected("'" + std::string(command.name) + "' needs '" + std::string(argument.name) +
                            "': " + std::string(argument.help));
    }
  }
  return arguments;
}

/// Ends every connection of the socket: a client that keeps sending a little would hold up the end for ever,
/// and httplib tells nobody its connections.
void cut_connections(const std::string& socket) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    sockaddr_un address{};
    socklen_t length = sizeof address;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
        address.sun_family == AF_UNIX && socket == static_cast<const char*>(address.sun_path)) {
      shutdown(fd, SHUT_RDWR);
    }
  }
}

}  // namespace

class ApiServer::State {
 public:
  State(std::string socket, Session session) : socket_(std::move(socket)), session_(session) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(server_threads); };
    server_.set_payload_max_length(max_request_bytes);
    server_.set_keep_alive_max_count(max_requests_per_connection);
    server_.set_keep_alive_timeout(patience_seconds);
    server_.set_read_timeout(patience_seconds);
    server_.set_write_timeout(patience_seconds);
    server_.set_socket_options([this](int listener) { listener_ = listener; });
    server_.set_address_family(AF_UNIX);
    for (const Command& command : commands()) {
      auto handler = [this, &command](const httplib::Request& request, httplib::Response& response) {
        handle(command, request, response);
      };
      if (command.changes) {
        server_.Post(route_of(command), handler);
      } else {
        server_.Get(route_of(command), handler);
      }
    }
    server_.set_error_handler([](const httplib::Request& request, httplib::Response& response) {
      if (response.body.empty()) {
        reply(response, response.status, error_json("no such route: " + request.method + " " + request.path));
      }
    });
  }

  tl::expected<void, std::string> start() {
    std::error_code error;
    const auto folder = std::filesystem::path(socket_).parent_path();
    if (!folder.empty()) {
      std::filesystem::create_directories(folder, error);
    }
    if (auto free = dataplane::claim_socket_path(socket_); !free) {
      return tl::unexpected(free.error());
    }
    // Nobody else may connect between bind and chmod.
    const mode_t mask = umask(0117);
    bound_ = server_.bind_to_port(socket_, any_port);
    umask(mask);
    if (!bound_) {
      return tl::unexpected("the API socket " + socket_ + " cannot be made; api.socket names its path");
    }
    listen(listener_, backlog);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) {
      std::this_thread::yield();
    }
    return {};
  }

  ~State() {
    if (thread_.joinable()) {
      server_.stop();
      cut_connections(socket_);
      thread_.join();
    }
    if (bound_) {
      std::error_code ignored;
      std::filesystem::remove(socket_, ignored);
    }
  }

  State(const State&) = delete;
  State& operator=(const State&) = delete;

 private:
  void handle(const Command& command, const httplib::Request& request, httplib::Response& response) {
    const auto arguments = arguments_of(command, request);
    if (!arguments) {
      reply(response, 400, error_json(arguments.error()));
      return;
    }
    const auto answer = command.answer(session_, *arguments);
    if (!answer) {
      reply(response, 400, error_json(answer.error()));
      return;
    }
    reply(response, 200, *answer);
  }

  std::string socket_;
  Session session_;
  httplib::Server server_;
  int listener_ = -1;
  bool bound_ = false;
  std::thread thread_;
};

ApiServer::ApiServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
ApiServer::~ApiServer() = default;

tl::expected<std::unique_ptr<ApiServer>, std::string> ApiServer::start(const std::string& socket,
                                                                       Session session) {
  auto state = std::make_unique<State>(socket, session);
  if (auto started = state->start(); !started) {
    return tl::unexpected(started.error());
  }
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(state)));
}

}  // namespace braidway::ctrl
