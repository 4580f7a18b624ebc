#include "bench/wire/control_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <utility>

#include "dataplane/unix_socket.hpp"

namespace braidway::bench::wire {
namespace {

constexpr int backlog = 16;
constexpr std::size_t most_clients = 16;
constexpr std::size_t longest_line = std::size_t{64} * 1024;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  return address;
}

}  // namespace

tl::expected<ControlSocket, std::string> ControlSocket::listen_on(const std::string& path) {
  if (auto claimed = dataplane::claim_socket_path(path); !claimed) return tl::unexpected(claimed.error());
  dataplane::UniqueFd listener{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const sockaddr_un address = address_of(path);
  const mode_t mask = umask(0117);
  const bool bound =
      listener && bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  umask(mask);
  if (!bound || listen(listener.get(), backlog) != 0) {
    return tl::unexpected("the control socket " + path + " cannot be made (" + std::strerror(errno) +
                          "); choose another path");
  }
  return ControlSocket{path, std::move(listener)};
}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : path_{std::exchange(other.path_, {})},
      listener_{std::move(other.listener_)},
      clients_{std::move(other.clients_)} {}

ControlSocket::~ControlSocket() {
  if (!path_.empty()) unlink(path_.c_str());
}

void ControlSocket::accept_client() {
  dataplane::UniqueFd fd{accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (fd && clients_.size() < most_clients) clients_.push_back({.fd = std::move(fd), .line = {}});
}

bool ControlSocket::attend(Client& client, const std::function<std::string(std::string_view)>& answer) {
  std::array<char, 4096> buffer;
  const ssize_t size = recv(client.fd.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  if (size == 0) return false;
  client.line.append(buffer.data(), static_cast<std::size_t>(size));
  for (std::size_t end = 0; (end = client.line.find('\n')) != std::string::npos;
       client.line.erase(0, end + 1)) {
    const std::string reply = answer(std::string_view{client.line}.substr(0, end)) + "\n";
    const ssize_t sent = send(client.fd.get(), reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != static_cast<ssize_t>(reply.size())) return false;
  }
  return client.line.size() <= longest_line;
}

void ControlSocket::serve(std::chrono::milliseconds longest,
                          const std::function<std::string(std::string_view)>& answer) {
  std::vector<pollfd> watched{{.fd = listener_.get(), .events = POLLIN, .revents = 0}};
  for (const Client& client : clients_) {
    watched.push_back({.fd = client.fd.get(), .events = POLLIN, .revents = 0});
  }
  if (poll(watched.data(), watched.size(), static_cast<int>(longest.count())) <= 0) return;
  std::vector<Client> staying;
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (watched[i + 1].revents == 0 || attend(clients_[i], answer)) staying.push_back(std::move(clients_[i]));
  }
  clients_ = std::move(staying);
  if (watched[0].revents != 0) accept_client();
}

tl::expected<std::string, std::string> ask(const std::string& path, std::string line) {
  const sockaddr_un address = address_of(path);
  const dataplane::UniqueFd fd{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd || connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return tl::unexpected("no wire answers on " + path + " (" + std::strerror(errno) + "); is it running?");
  }
  line += '\n';
  std::string answer;
  ssize_t size = send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL);
  while (size > 0 && !answer.ends_with('\n')) {
    std::array<char, 4096> buffer;
    size = recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) answer.append(buffer.data(), static_cast<std::size_t>(size));
  }
  if (!answer.ends_with('\n')) return tl::unexpected("the wire on " + path + " hung up; see what it said");
  answer.pop_back();
  return answer;
}

}  // namespace braidway::bench::wire
