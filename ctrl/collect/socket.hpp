// The UDP sockets of a collector, and of who reports to it. Owner: the thread that uses them. Errors are
// sentences for the operator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "dataplane/unique_fd.hpp"

namespace braidway::ctrl::collect {

/// "10.0.0.1:32766" or "[fd00::1]:32766". IPv4 that comes to an IPv6 socket ([::]) shows as IPv4.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;

  [[nodiscard]] std::string text() const;
};

/// Port 0 is one that the kernel chooses. Nothing is looked up: the address must be one.
tl::expected<Endpoint, std::string> parse_endpoint(const std::string& text);

/// A socket that sends to there, and never waits: datagrams are not fragmented, and dropped where they do not
/// fit.
tl::expected<dataplane::UniqueFd, std::string> connect_to(const Endpoint& collector);

struct Datagram {
  std::span<const std::byte> payload;  ///< valid until the next receive()
  Endpoint sender;
};

class Socket {
 public:
  static tl::expected<Socket, std::string> listen(const Endpoint& at);

  /// Where it listens; the port is a real one.
  [[nodiscard]] Endpoint endpoint() const;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// The next datagram; none if there is no more. An error of an earlier datagram on the way back (ICMP) is
  /// none too.
  std::optional<Datagram> receive(std::span<std::byte> memory);
  /// Datagrams that the kernel dropped because they were not received fast enough, as of the last receive().
  [[nodiscard]] std::uint64_t overflowed() const noexcept { return overflowed_; }

 private:
  explicit Socket(dataplane::UniqueFd fd) : fd_(std::move(fd)) {}

  dataplane::UniqueFd fd_;
  std::uint64_t overflowed_ = 0;
  std::uint32_t kernel_count_ = 0;  ///< it wraps
};

}  // namespace braidway::ctrl::collect
