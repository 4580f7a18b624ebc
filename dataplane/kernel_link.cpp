#include "dataplane/kernel_link.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <net/if.h>
#include <string_view>
#include <sys/socket.h>
#include <utility>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

namespace braidway::dataplane {
namespace {

// linux/if.h has it, but collides with net/if.h.
constexpr unsigned iff_lower_up = 1U << 16;

std::string error_text(int error) { return std::strerror(error); }

std::string attribute_text(const nlattr* attribute) {
  const std::string_view bytes(static_cast<const char*>(mnl_attr_get_payload(attribute)),
                               mnl_attr_get_payload_len(attribute));
  return std::string(bytes.substr(0, bytes.find('\0')));
}

struct Parsed {
  KernelLink link;
  bool peer_elsewhere = false;
};

int on_info_attribute(const nlattr* attribute, void* parsed) {
  if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
    static_cast<Parsed*>(parsed)->link.kind = attribute_text(attribute);
  return MNL_CB_OK;
}

int on_attribute(const nlattr* attribute, void* out) {
  auto& parsed = *static_cast<Parsed*>(out);
  switch (mnl_attr_get_type(attribute)) {
    case IFLA_IFNAME:
      parsed.link.name = attribute_text(attribute);
      break;
    case IFLA_MTU:
      parsed.link.mtu = mnl_attr_get_u32(attribute);
      break;
    case IFLA_LINK:
      parsed.link.peer = mnl_attr_get_u32(attribute);
      break;
    case IFLA_LINK_NETNSID:
      parsed.peer_elsewhere = true;
      break;
    case IFLA_LINKINFO:
      mnl_attr_parse_nested(attribute, on_info_attribute, out);
      break;
    default:
      break;
  }
  return MNL_CB_OK;
}

/// Sends one request and waits for its answer: a link, or nothing for an acknowledgement. ENODEV is no error.
tl::expected<KernelLink, std::string> exchange(nlmsghdr* request) {
  auto socket = open_netlink(0);
  if (!socket) return tl::unexpected(socket.error());
  request->nlmsg_seq = 1;
  if (mnl_socket_sendto(socket->get(), request, request->nlmsg_len) < 0)
    return tl::unexpected("cannot ask the kernel about interfaces: " + error_text(errno));
  // A link's description may be 16 KiB and more (virtual functions).
  std::array<char, 65536> buffer;
  const ssize_t length = mnl_socket_recvfrom(socket->get(), buffer.data(), buffer.size());
  if (length < 0) return tl::unexpected("the kernel does not tell about interfaces: " + error_text(errno));
  KernelLink link;
  const auto on_message = [](const nlmsghdr* message, void* out) {
    if (message->nlmsg_type == RTM_NEWLINK) *static_cast<KernelLink*>(out) = parse_link(*message);
    return MNL_CB_OK;
  };
  if (mnl_cb_run(buffer.data(), static_cast<std::size_t>(length), 1, mnl_socket_get_portid(socket->get()),
                 on_message, &link) < 0 &&
      errno != ENODEV)
    return tl::unexpected("the kernel refuses a request about an interface: " + error_text(errno));
  return link;
}

}  // namespace

bool KernelLink::is_up() const noexcept { return (flags & IFF_UP) != 0 && (flags & iff_lower_up) != 0; }

KernelLink parse_link(const nlmsghdr& message) {
  Parsed parsed;
  const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  parsed.link.index = static_cast<unsigned>(info->ifi_index);
  parsed.link.flags = info->ifi_flags;
  mnl_attr_parse(&message, sizeof(ifinfomsg), on_attribute, &parsed);
  if (parsed.peer_elsewhere || parsed.link.kind != "veth") parsed.link.peer.reset();
  return std::move(parsed.link);
}

tl::expected<KernelLink, std::string> find_link(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ) return KernelLink{};
  std::array<char, 256> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETLINK;
  request->nlmsg_flags = NLM_F_REQUEST;
  mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg));
  mnl_attr_put_strz(request, IFLA_IFNAME, name.c_str());
  return exchange(request);
}

tl::expected<KernelLink, std::string> find_link(unsigned index) {
  std::array<char, 256> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETLINK;
  request->nlmsg_flags = NLM_F_REQUEST;
  auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
  info->ifi_index = static_cast<int>(index);
  return exchange(request);
}

tl::expected<void, std::string> set_promiscuous(unsigned index, bool on) {
  std::array<char, 256> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_NEWLINK;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
  info->ifi_index = static_cast<int>(index);
  info->ifi_flags = on ? IFF_PROMISC : 0;
  info->ifi_change = IFF_PROMISC;
  const auto answer = exchange(request);
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

tl::expected<NetlinkSocket, std::string> open_netlink(unsigned groups, int extra) {
  NetlinkSocket socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | extra));
  if (!socket || mnl_socket_bind(socket.get(), groups, MNL_SOCKET_AUTOPID) < 0)
    return tl::unexpected("cannot open a netlink socket: " + error_text(errno));
  return socket;
}

}  // namespace braidway::dataplane
