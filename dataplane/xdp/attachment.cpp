#include "dataplane/xdp/attachment.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <net/if.h>
#include <optional>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>

#include "dataplane/kernel_link.hpp"
#include "dataplane/unique_fd.hpp"
#include "dataplane/xdp/steer_objects.hpp"
#include "dataplane/xdp/umem_pool.hpp"

#define BRAIDWAY_XDP_TEXT_(name) #name
#define BRAIDWAY_XDP_TEXT(name) BRAIDWAY_XDP_TEXT_(name)

namespace braidway::dataplane::xdp {
namespace {

constexpr std::string_view our_program = BRAIDWAY_XDP_TEXT(BRAIDWAY_XDP_PROGRAM);
constexpr std::string_view our_counters = BRAIDWAY_XDP_TEXT(BRAIDWAY_XDP_COUNTERS);
static_assert(our_program.size() < BPF_OBJ_NAME_LEN && our_counters.size() < BPF_OBJ_NAME_LEN);

std::string error_text(int error) { return std::strerror(error); }

/// An XDP program on an interface.
struct Attached {
  std::uint32_t id = 0;
  std::uint32_t mode = 0;  ///< XDP_FLAGS_DRV_MODE ...
  std::string name;
  UniqueFd program;
  UniqueFd counters;  ///< none: not ours

  [[nodiscard]] bool is_ours() const noexcept { return static_cast<bool>(counters); }
  [[nodiscard]] std::string text() const {
    return "XDP program \"" + name + "\" (id " + std::to_string(id) + ")";
  }
};

tl::expected<Attached, std::string> look_at(std::uint32_t id, std::uint32_t mode) {
  Attached attached;
  attached.id = id;
  attached.mode = mode;
  attached.program = UniqueFd(bpf_prog_get_fd_by_id(id));
  const auto failed = [&] {
    return tl::unexpected("cannot look at XDP program id " + std::to_string(id) + ": " + error_text(errno) +
                          (errno == EPERM ? "; run as root" : ""));
  };
  if (!attached.program) return failed();
  std::array<std::uint32_t, 16> map_ids{};
  bpf_prog_info info{};
  info.nr_map_ids = map_ids.size();
  info.map_ids = reinterpret_cast<std::uintptr_t>(map_ids.data());
  std::uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(attached.program.get(), &info, &length) < 0) return failed();
  attached.name = info.name;
  if (attached.name != our_program) return attached;
  for (std::size_t i = 0; i < std::min<std::size_t>(info.nr_map_ids, map_ids.size()); ++i) {
    UniqueFd map(bpf_map_get_fd_by_id(map_ids[i]));
    bpf_map_info about{};
    length = sizeof(about);
    if (!map || bpf_obj_get_info_by_fd(map.get(), &about, &length) < 0) return failed();
    if (about.name == our_counters && about.type == BPF_MAP_TYPE_PERCPU_ARRAY &&
        about.max_entries == verdict_count)
      attached.counters = std::move(map);
  }
  return attached;
}

tl::expected<std::vector<Attached>, std::string> attached_to(unsigned interface_index) {
  LIBBPF_OPTS(bpf_xdp_query_opts, found);
  if (const int status = bpf_xdp_query(static_cast<int>(interface_index), 0, &found); status < 0)
    return tl::unexpected("cannot ask for the XDP programs of interface index " +
                          std::to_string(interface_index) + ": " + error_text(-status));
  std::vector<Attached> result;
  for (const auto& [id, mode] :
       {std::pair{found.drv_prog_id, XDP_FLAGS_DRV_MODE}, std::pair{found.skb_prog_id, XDP_FLAGS_SKB_MODE},
        std::pair{found.hw_prog_id, XDP_FLAGS_HW_MODE}}) {
    if (id == 0) continue;
    auto attached = look_at(id, mode);
    if (!attached) return tl::unexpected(attached.error());
    result.push_back(std::move(*attached));
  }
  return result;
}

/// Has a program of ours a socket on queue 0, so that somebody runs it? XSKMAPs cannot be read from user
/// space, so the program itself is asked, with a RoCEv2 frame that goes nowhere (it is counted, though).
bool is_in_use(const Attached& ours) {
  static constexpr std::array<unsigned char, 14 + 20 + 8 + 12> roce_frame = [] {
    std::array<unsigned char, 54> frame{};
    frame[12] = 0x08;  // IPv4
    frame[14] = 0x45;
    frame[23] = 17;    // UDP
    frame[36] = 0x12;  // destination port 4791
    frame[37] = 0xb7;
    return frame;
  }();
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = roce_frame.data(), .data_size_in = roce_frame.size(),
              .repeat = 1);
  return bpf_prog_test_run_opts(ours.program.get(), &run) == 0 && run.retval == XDP_REDIRECT;
}

tl::expected<void, std::string> detach(unsigned interface_index, const Attached& attached) {
  // Only if it is still this one.
  LIBBPF_OPTS(bpf_xdp_attach_opts, expected_program, .old_prog_fd = attached.program.get());
  const int status = bpf_xdp_detach(static_cast<int>(interface_index), attached.mode, &expected_program);
  if (status == 0) return {};
  return tl::unexpected("cannot detach our " + attached.text() + ": " + error_text(-status));
}

/// Does this kernel, with our rights, take the program?
tl::expected<void, std::string> try_to_load(XdpTake take) {
  const std::string bytes = object_bytes(take);
  const std::unique_ptr<bpf_object, decltype(&bpf_object__close)> object(
      bpf_object__open_mem(bytes.data(), bytes.size(), nullptr), bpf_object__close);
  const int status = object ? bpf_object__load(object.get()) : -errno;
  if (status == 0) return {};
  return tl::unexpected("the kernel does not load the XDP program: " + error_text(-status) +
                        (status == -EPERM ? "; run as root (CAP_BPF, CAP_NET_ADMIN)"
                                          : "; it takes Linux 5.7 or later with CONFIG_XDP_SOCKETS=y"));
}

/// VLAN tags that a NIC takes off before XDP are lost: they are not in the frame any more.
bool strips_vlan_tags(const std::string& interface) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_value value{.cmd = ETHTOOL_GFLAGS, .data = 0};
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  return ::ioctl(socket.get(), SIOCETHTOOL, &request) == 0 && (value.data & ETH_FLAG_RXVLAN) != 0;
}

std::string mtu_error(const std::string& interface, std::uint32_t mtu) {
  return "interface " + interface + " has an MTU of " + std::to_string(mtu) + ", AF_XDP takes at most " +
         std::to_string(afxdp_max_mtu) + ": ip link set dev " + interface + " mtu " +
         std::to_string(afxdp_max_mtu);
}

std::string foreign_program_error(const std::string& interface, const Attached& attached) {
  return "interface " + interface + " carries a foreign " + attached.text() +
         "; it stays. If it is not wanted: ip link set dev " + interface + " xdp off";
}

tl::expected<KernelLink, std::string> find_usable(const std::string& interface) {
  const auto found = find_link(interface);
  if (!found) return tl::unexpected(found.error());
  if (!found->exists()) return tl::unexpected("there is no interface " + interface + ": see ip link");
  const KernelLink& link = *found;
  if ((link.flags & IFF_UP) == 0)
    return tl::unexpected("interface " + interface + " is down: ip link set dev " + interface + " up");
  if (link.mtu > afxdp_max_mtu) return tl::unexpected(mtu_error(interface, link.mtu));
  if (link.peer) {
    // A veth takes a program only if what its peer may send fits a page.
    const auto peer = find_link(*link.peer);
    if (peer && peer->mtu > afxdp_max_mtu) return tl::unexpected(mtu_error(peer->name, peer->mtu));
  }
  return link;
}

}  // namespace

std::string object_bytes(XdpTake take, const OwnPorts& ports) {
  const auto copy = [](const auto& bytes) { return std::string(bytes.begin(), bytes.end()); };
  if (take == XdpTake::all) return copy(steer_all_object);
  std::string object = copy(steer_rocev2_object);
  const braidway_xdp_ports constants{.int_md = ports.int_md, .message = ports.message};
  static_assert(steer_rocev2_ports + sizeof(constants) <= steer_rocev2_object.size());
  std::memcpy(object.data() + steer_rocev2_ports, &constants, sizeof(constants));
  return object;
}

tl::expected<Prepared, std::string> prepare(const std::string& interface, XdpTake take) {
  const auto link = find_usable(interface);
  if (!link) return tl::unexpected(link.error());
  Prepared prepared{.interface = interface,
                    .index = link->index,
                    .promiscuous = (link->flags & IFF_PROMISC) != 0,
                    .notes = {}};
  const auto programs = attached_to(link->index);
  if (!programs) return tl::unexpected(interface + ": " + programs.error());
  for (const Attached& attached : *programs) {
    if (!attached.is_ours()) return tl::unexpected(foreign_program_error(interface, attached));
    if (is_in_use(attached))
      return tl::unexpected("interface " + interface + " is in use by another gateway, by " +
                            attached.text());
  }
  if (auto loads = try_to_load(take); !loads) return tl::unexpected(interface + ": " + loads.error());
  for (const Attached& orphan : *programs) {
    if (auto detached = detach(link->index, orphan); !detached)
      return tl::unexpected(interface + ": " + detached.error());
    // The gateway that left it had also set IFF_PROMISC.
    prepared.notes.push_back(interface + ": detached " + orphan.text() +
                             ", left over by a gateway that was killed" +
                             (prepared.promiscuous ? "; IFF_PROMISC counts as left over too" : ""));
    prepared.promiscuous = false;
  }
  if (strips_vlan_tags(interface))
    prepared.notes.push_back(interface +
                             ": VLAN offload is on; where the driver strips tags before XDP they are lost: " +
                             "ethtool -K " + interface + " rxvlan off");
  return prepared;
}

tl::expected<std::string, std::string> object_path(XdpTake take, const OwnPorts& ports) {
  // A file for each, as long as the process runs: the driver opens the path when the first receive queue is
  // set up.
  struct Kept {
    std::string object;
    UniqueFd file;
  };
  static std::vector<Kept> kept;
  const auto path_of = [](const Kept& of) { return "/proc/self/fd/" + std::to_string(of.file.get()); };
  std::string object = object_bytes(take, ports);
  const auto known = std::ranges::find(kept, object, &Kept::object);
  if (known != kept.end()) return path_of(*known);
  UniqueFd file(::memfd_create("braidway-steer.bpf.o", MFD_CLOEXEC));
  if (!file || ::write(file.get(), object.data(), object.size()) != static_cast<ssize_t>(object.size()))
    return tl::unexpected("cannot keep the XDP program in memory: " + error_text(errno));
  kept.push_back({.object = std::move(object), .file = std::move(file)});
  return path_of(kept.back());
}

tl::expected<VerdictCounters, std::string> read_counters(const std::string& interface) {
  const unsigned index = ::if_nametoindex(interface.c_str());
  if (index == 0) return tl::unexpected("there is no interface " + interface);
  const auto programs = attached_to(index);
  if (!programs) return tl::unexpected(interface + ": " + programs.error());
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return tl::unexpected("cannot count the CPUs: " + error_text(-cpus));
  for (const Attached& attached : *programs) {
    if (!attached.is_ours()) continue;
    VerdictCounters counters{};
    std::vector<std::uint64_t> per_cpu(static_cast<std::size_t>(cpus));
    for (std::uint32_t verdict = 0; verdict < verdict_count; ++verdict) {
      if (bpf_map_lookup_elem(attached.counters.get(), &verdict, per_cpu.data()) < 0)
        return tl::unexpected(interface + ": cannot read the counters of " + attached.text() + ": " +
                              error_text(errno));
      for (const std::uint64_t count : per_cpu) counters[verdict] += count;
    }
    return counters;
  }
  return tl::unexpected("interface " + interface + " carries no XDP program of ours");
}

tl::expected<void, std::string> restore(const Prepared& prepared) {
  const auto link = find_link(prepared.index);
  if (!link) return tl::unexpected(prepared.interface + ": " + link.error());
  if (!link->exists()) return {};
  const auto programs = attached_to(prepared.index);
  if (!programs) return tl::unexpected(prepared.interface + ": " + programs.error());
  for (const Attached& attached : *programs) {
    if (!attached.is_ours()) continue;
    if (auto detached = detach(prepared.index, attached); !detached)
      return tl::unexpected(prepared.interface + ": " + detached.error());
  }
  if ((link->flags & IFF_PROMISC) == 0 || prepared.promiscuous) return {};
  return set_promiscuous(prepared.index, false);
}

}  // namespace braidway::dataplane::xdp
