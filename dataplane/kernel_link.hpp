// A network interface as the kernel describes it over rtnetlink (RTM_GETLINK, RTM_NEWLINK; rtnetlink(7)), in
// the network namespace of the calling thread. Control threads only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <libmnl/libmnl.h>
#include <tl/expected.hpp>

namespace braidway::dataplane {

struct KernelLink {
  unsigned index = 0;  ///< 0: there is no such interface
  unsigned flags = 0;  ///< IFF_UP, IFF_LOWER_UP, IFF_PROMISC ... (linux/if.h)
  std::uint32_t mtu = 0;
  std::string name;
  std::string kind;              ///< "veth", "vlan" ...; empty for hardware
  std::optional<unsigned> peer;  ///< index of the other end of a veth in the same namespace

  [[nodiscard]] bool exists() const noexcept { return index != 0; }
  /// Administratively up and with a carrier.
  [[nodiscard]] bool is_up() const noexcept;
};

/// Out of a message of type RTM_NEWLINK or RTM_DELLINK. Attributes it does not have stay empty.
[[nodiscard]] KernelLink parse_link(const nlmsghdr& message);

/// The interface of that name or index; exists() tells whether there is one. An error only if the kernel
/// cannot be asked.
[[nodiscard]] tl::expected<KernelLink, std::string> find_link(const std::string& name);
[[nodiscard]] tl::expected<KernelLink, std::string> find_link(unsigned index);

/// Sets or clears IFF_PROMISC as `ip link set dev IF promisc on|off` does.
tl::expected<void, std::string> set_promiscuous(unsigned index, bool on);

struct CloseNetlink {
  void operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }
};
using NetlinkSocket = std::unique_ptr<mnl_socket, CloseNetlink>;

/// A bound NETLINK_ROUTE socket, member of `groups` (RTMGRP_LINK or 0); `extra` are socket(2) type flags.
[[nodiscard]] tl::expected<NetlinkSocket, std::string> open_netlink(unsigned groups, int extra = 0);

}  // namespace braidway::dataplane
