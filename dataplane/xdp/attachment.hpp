// The steering program on a kernel interface: what must be true before DPDK's AF_XDP driver opens it, what
// the program has counted meanwhile, and that nothing stays behind afterwards.
//
// The driver (22.11) loads and attaches the program by itself (devarg `xdp_prog=`) and owns its maps; but it
// runs over programs that are already there, detaches whatever is attached when it closes, be it ours or not,
// and leaves IFF_PROMISC set. So, for a port `af_xdp:IF`, in this order:
//
//     prepare(IF)                 a foreign program, or anything else that would fail later, ends the opening
//     here object_path(take, ports)    for the devargs: net_af_xdp0,iface=IF,xdp_prog=PATH
//     ... the driver opens, runs, closes ...
//     restore(prepared)           nothing of ours remains
//
// Traps of the driver (22.11.11):
// - A process opens an interface once: close() counts its references wrongly and keeps the AF_XDP socket, and
// with it the
//   receive queue, until the process ends. Opening it again before is EBUSY.
// - The kernel gives the queue of a killed process free some milliseconds after its death (a work item that
// waits for the
//   RTNL lock) and tells nobody. Setting up the first receive queue fails until then, with -EINVAL. Try again
//   from prepare() on for up to queue_patience, with a new port and a new pool: a failed attempt has lost
//   buffers and its rings are worn.
//
// Owner: the main (control) thread, in the network namespace of the interface. Errors are sentences for the
// operator. Needs CAP_NET_ADMIN and CAP_BPF (root).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "dataplane/own_ports.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/xdp/verdicts.h"
#include "telemetry/roce.hpp"

namespace braidway::dataplane::xdp {

inline constexpr std::size_t verdict_count = braidway_xdp_verdict_count;
inline constexpr std::chrono::milliseconds queue_patience{2000};
inline constexpr std::chrono::milliseconds queue_retry_pause{20};
using VerdictCounters =
    std::array<std::uint64_t, verdict_count>;  ///< frames, indexed by braidway_xdp_verdict

struct VerdictName {
  std::string_view name;
  std::string_view meaning;
};
inline constexpr std::array<VerdictName, verdict_count> verdict_names{{
#define BRAIDWAY_XDP_NAME(name, meaning) {#name, meaning},
    BRAIDWAY_XDP_VERDICTS(BRAIDWAY_XDP_NAME)
#undef BRAIDWAY_XDP_NAME
}};

/// An interface that the driver may open, and what restore() needs to know.
struct Prepared {
  std::string interface;
  unsigned index = 0;              ///< of the interface; it survives renaming
  bool promiscuous = false;        ///< IFF_PROMISC as it was before us
  std::vector<std::string> notes;  ///< sentences for the log: what was done or should be looked at
};

/// Checks that the kernel loads the program that takes `take`, that the interface is there, is up, and that
/// its MTU lets a program and our buffers in; detaches a program that a killed gateway left behind. An error
/// if a foreign program or a running gateway's is attached: it stays.
[[nodiscard]] tl::expected<Prepared, std::string> prepare(const std::string& interface,
                                                          XdpTake take = XdpTake::all);

/// A path under which this process (only) can open the compiled program that takes `take`, as long as it
/// runs. XdpTake::rocev2 knows what gateways write by `ports`. The same for the same arguments.
[[nodiscard]] tl::expected<std::string, std::string> object_path(XdpTake take, const OwnPorts& ports = {});

/// The compiled program itself, an ELF object.
[[nodiscard]] std::string object_bytes(XdpTake take, const OwnPorts& ports = {});

/// What the program attached to the interface has counted, summed over CPUs. An error if it is not ours.
[[nodiscard]] tl::expected<VerdictCounters, std::string> read_counters(const std::string& interface);

/// Call when the driver has closed: detaches a program of ours if one is still there, leaves others alone,
/// and puts IFF_PROMISC back. Not an error if the interface has vanished meanwhile.
tl::expected<void, std::string> restore(const Prepared& prepared);

}  // namespace braidway::dataplane::xdp
