#include "ctrl/collect/socket.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace braidway::ctrl::collect {
namespace {

/// What the kernel keeps while a terminal is slow, where it lets us (net.core.rmem_max).
constexpr int wanted_buffer = 4 * 1024 * 1024;

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

bool is_ipv6(const std::string& address) { return address.find(':') != std::string::npos; }

Address address_of(const Endpoint& endpoint) {
  Address address{};
  if (is_ipv6(endpoint.address)) {
    address.v6.sin6_family = AF_INET6;
    address.v6.sin6_port = htons(endpoint.port);
    inet_pton(AF_INET6, endpoint.address.c_str(), &address.v6.sin6_addr);
  } else {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(endpoint.port);
    inet_pton(AF_INET, endpoint.address.c_str(), &address.v4.sin_addr);
  }
  return address;
}

Endpoint endpoint_of(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.any.sa_family == AF_INET) {
    return {.address = inet_ntop(AF_INET, &address.v4.sin_addr, text.data(), text.size()),
            .port = ntohs(address.v4.sin_port)};
  }
  const auto& v6 = address.v6.sin6_addr;
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
  return {.address = mapped ? inet_ntop(AF_INET, &v6.s6_addr[12], text.data(), text.size())
                            : inet_ntop(AF_INET6, &v6, text.data(), text.size()),
          .port = ntohs(address.v6.sin6_port)};
}

}  // namespace

std::string Endpoint::text() const {
  return is_ipv6(address) ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

tl::expected<Endpoint, std::string> parse_endpoint(const std::string& text) {
  const auto wrong =
      tl::unexpected(fmt::format("'{}' is no ADDRESS:PORT; 127.0.0.1:32766 or [::1]:32766 would be", text));
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return wrong;
  Endpoint endpoint{.address = text.substr(0, colon), .port = 0};
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + colon + 1, last, endpoint.port);
  if (error != std::errc{} || end != last) return wrong;
  const bool bracketed = endpoint.address.starts_with('[') && endpoint.address.ends_with(']');
  if (bracketed) endpoint.address = endpoint.address.substr(1, endpoint.address.size() - 2);
  in6_addr parsed{};
  const int family = bracketed ? AF_INET6 : AF_INET;
  if (inet_pton(family, endpoint.address.c_str(), &parsed) != 1) return wrong;
  return endpoint;
}

tl::expected<Socket, std::string> Socket::listen(const Endpoint& at) {
  const auto failed = [&](int error) {
    return tl::unexpected(fmt::format("cannot listen on {}: {}{}", at.text(), std::strerror(error),
                                      error == EADDRINUSE
                                          ? "; another collector? choose another port with --listen"
                                      : error == EADDRNOTAVAIL ? "; it must be an address of this machine"
                                      : error == EACCES        ? "; ports below 1024 are for root"
                                                               : ""));
  };
  const Address address = address_of(at);
  const bool v6 = address.any.sa_family == AF_INET6;
  Socket socket(dataplane::UniqueFd(
      ::socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP)));
  if (!socket.fd_) return failed(errno);
  const int on = 1;
  const int off = 0;
  const int fd = socket.fd();
  if (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) return failed(errno);
  if (setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0) return failed(errno);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted_buffer, sizeof wanted_buffer);
  if (bind(fd, &address.any, v6 ? sizeof address.v6 : sizeof address.v4) != 0) return failed(errno);
  return socket;
}

tl::expected<dataplane::UniqueFd, std::string> connect_to(const Endpoint& collector) {
  const Address address = address_of(collector);
  const bool v6 = address.any.sa_family == AF_INET6;
  dataplane::UniqueFd fd(
      ::socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP));
  const int never = IP_PMTUDISC_DO;
  static_assert(IP_PMTUDISC_DO == IPV6_PMTUDISC_DO);
  if (!fd ||
      (v6 ? setsockopt(fd.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, &never, sizeof never)
          : setsockopt(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, &never, sizeof never)) != 0 ||
      ::connect(fd.get(), &address.any, v6 ? sizeof address.v6 : sizeof address.v4) != 0) {
    return tl::unexpected(fmt::format("cannot send reports to {}: {}; there must be a route to it",
                                      collector.text(), std::strerror(errno)));
  }
  return fd;
}

Endpoint Socket::endpoint() const {
  Address address{};
  socklen_t length = sizeof address;
  getsockname(fd(), &address.any, &length);
  return endpoint_of(address);
}

std::optional<Datagram> Socket::receive(std::span<std::byte> memory) {
  Address sender{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint32_t))> control{};
  iovec into{.iov_base = memory.data(), .iov_len = memory.size()};
  msghdr message{};
  message.msg_name = &sender;
  message.msg_namelen = sizeof sender;
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto bytes = recvmsg(fd(), &message, 0);
  if (bytes < 0) return std::nullopt;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SO_RXQ_OVFL) continue;
    std::uint32_t count = 0;
    std::memcpy(&count, CMSG_DATA(each), sizeof count);
    overflowed_ += static_cast<std::uint32_t>(count - kernel_count_);
    kernel_count_ = count;
  }
  return Datagram{.payload = memory.first(static_cast<std::size_t>(bytes)), .sender = endpoint_of(sender)};
}

}  // namespace braidway::ctrl::collect
