#include "tests/wire/ioam_kernel.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

namespace braidway::tests {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::seconds(20);  // nothing waits this long when all is well

// near: the router's ends; far: the test's.
constexpr const char* in_near_mac = "02:00:00:00:00:01";
constexpr const char* out_far_mac = "02:00:00:00:00:04";
constexpr std::array<const char*, 4> interfaces{"innear", "infar", "outnear", "outfar"};

/// ip(8) reads narrow data in any base and wide data in base 16: this suits both.
std::string hex(std::uint64_t number) {
  std::array<char, 19> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(number));
  return text.data();
}

bool run(const std::string& command) { return std::system(command.c_str()) == 0; }

bool write_sysctl(const std::string& name, const std::string& value) {
  std::ofstream file("/proc/sys/net/ipv6/" + name);
  file << value;
  file.close();
  return !file.fail();
}

/// Links are up when the kernel says that they run.
bool runs(const char* interface) {
  const dataplane::UniqueFd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  return ::ioctl(control.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

bool all_run() {
  const auto deadline = Clock::now() + patience;
  while (!std::ranges::all_of(interfaces, runs)) {
    if (Clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

dataplane::UniqueFd open_interface(const char* interface) {
  dataplane::UniqueFd opened(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IPV6);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
  if (::bind(opened.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return {};
  return opened;
}

bool is_for(const Bytes& frame, const lb::IpAddress& destination) {
  constexpr std::size_t destination_offset = 14 + 24;
  return frame.size() >= destination_offset + 16 &&
         telemetry::load_be64(&frame[destination_offset]) == destination.high &&
         telemetry::load_be64(&frame[destination_offset + 8]) == destination.low;
}

/// True once the router is there.
bool make_router() {
  const std::string mtu = std::to_string(IoamKernel::mtu);
  bool made = run("ip link add innear mtu " + mtu + " address " + in_near_mac +
                  " type veth peer name infar mtu " + mtu) &&
              run("ip link add outnear mtu " + mtu + " type veth peer name outfar mtu " + mtu + " address " +
                  out_far_mac);
  // The far ends are the test's; nothing of the kernel's own is to come from them.
  made =
      made && write_sysctl("conf/infar/disable_ipv6", "1") && write_sysctl("conf/outfar/disable_ipv6", "1");
  for (const char* interface : interfaces) made = made && run(std::string("ip link set up ") + interface);
  return made && run("ip -6 address add fd00:1::1/64 dev innear nodad") &&
         run("ip -6 address add fd00:2::1/64 dev outnear nodad") &&
         run(std::string("ip -6 neighbour add fd00:2::2 nud permanent dev outnear lladdr ") + out_far_mac) &&
         write_sysctl("conf/all/forwarding", "1") && all_run();
}

bool tell_ids() {
  return write_sysctl("ioam6_id", std::to_string(IoamKernel::node_id)) &&
         write_sysctl("ioam6_id_wide", std::to_string(IoamKernel::node_id_wide)) &&
         write_sysctl("conf/innear/ioam6_enabled", "1") &&
         write_sysctl("conf/innear/ioam6_id", std::to_string(IoamKernel::ingress)) &&
         write_sysctl("conf/innear/ioam6_id_wide", std::to_string(IoamKernel::ingress_wide)) &&
         write_sysctl("conf/outnear/ioam6_id", std::to_string(IoamKernel::egress)) &&
         write_sysctl("conf/outnear/ioam6_id_wide", std::to_string(IoamKernel::egress_wide));
}

bool tell_namespaces() {
  const std::string rich = std::to_string(IoamKernel::rich_namespace);
  const std::string schema = std::to_string(IoamKernel::schema_id);
  return run("ip ioam namespace add " + rich + " data " + hex(IoamKernel::namespace_data) + " wide " +
             hex(IoamKernel::namespace_data_wide)) &&
         run("ip ioam namespace add " + std::to_string(IoamKernel::poor_namespace)) &&
         run("ip ioam schema add " + schema + " '" + IoamKernel::schema + "'") &&
         run("ip ioam namespace set " + rich + " schema " + schema);
}

}  // namespace

Bytes IoamKernel::link_header() { return from_hex("020000000001 020000000002 86dd"); }

std::optional<std::string> IoamKernel::start() {
  if (::unshare(CLONE_NEWNET) != 0) {
    return std::string("no permission for a network namespace: ") + std::strerror(errno);
  }
  if (::access("/proc/sys/net/ipv6/ioam6_id", W_OK) != 0) return "this kernel has no IOAM6";
  if (!run("ip ioam namespace show")) return "ip(8) knows no IOAM, or the kernel does not";
  if (!make_router()) return "this kernel has no veth pairs, or does not route IPv6";
  if (!tell_ids() || !tell_namespaces()) return "the kernel does not take IOAM's settings";
  in_ = open_interface("infar");
  out_ = open_interface("outfar");
  if (!in_ || !out_) return std::string("no packet sockets: ") + std::strerror(errno);
  return std::nullopt;
}

Bytes IoamKernel::pass(const Bytes& frame) {
  if (::send(in_.get(), frame.data(), frame.size(), 0) != static_cast<ssize_t>(frame.size())) return {};
  const auto deadline = Clock::now() + patience;
  Bytes received(std::size_t{mtu} + 14);
  while (Clock::now() < deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd waiting{.fd = out_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) continue;
    const auto size = ::recv(out_.get(), received.data(), received.size(), 0);
    if (size < 0) continue;
    const Bytes one(received.begin(), received.begin() + size);
    if (is_for(one, destination())) return one;
  }
  return {};
}

}  // namespace braidway::tests
