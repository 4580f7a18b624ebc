// How a port's device is named in the configuration: a PCI address, `KIND:WHERE`, or DPDK devargs as they
// are. Grammar only: nothing here looks whether a device exists. Plain values, any thread.
//
//   0000:3b:00.0          a PCI function (the domain may be left out)
//   tap:NAME              a TAP interface that the gateway creates
//   af_packet:IF          an existing kernel interface through AF_PACKET
//   af_xdp:IF             an existing kernel interface through AF_XDP, with the gateway's own XDP program
//   vhost:SOCKET          a vhost-user socket that the gateway creates (for a virtual machine or a
//   virtio_user port) virtio_user:SOCKET    connects to a vhost-user socket that somebody else created
//   memif:SOCKET          a memif socket that the gateway creates; `memif:SOCKET,client` connects to one
//   pcap:FILE             receives the capture, transmits to nowhere
//   ring:NAME             a ring of its own: what is transmitted is received again
//   net_...               devargs of a virtual device, given to DPDK as they are
// A PCI address may carry devargs too: 0000:3b:00.0,dv_flow_en=1
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "dataplane/settings.hpp"

namespace braidway::dataplane {

/// Devices that one process may have: RTE_MAX_ETHPORTS of Debian's DPDK.
inline constexpr std::size_t max_devices = 32;

enum class DeviceKind : std::uint8_t {
  pci,
  tap,
  af_packet,
  af_xdp,
  vhost,
  virtio_user,
  memif,
  pcap,
  ring,
  devargs
};

struct DeviceWord {
  DeviceKind kind = DeviceKind::devargs;
  /// What stands after the prefix; of devargs the whole word; of PCI the address in lower case with its
  /// domain, and the devargs after it, if any.
  std::string argument;
};

/// Error: "what is wrong; what would be right", one sentence without a location.
[[nodiscard]] tl::expected<DeviceWord, std::string> parse_device_word(std::string_view word);

/// DPDK devargs for rte_dev_probe: `net_vhost0,iface=/run/x.sock,queues=1,client=0`. `index` makes the device
/// name unique; queues and descriptors come from the port. `xdp_program` is the object file that net_af_xdp
/// loads; empty: the PMD's default program.
[[nodiscard]] std::string devargs_for(const DeviceWord& word, unsigned index, const PortSettings& port,
                                      std::string_view xdp_program = {});

/// Whether the device is software alone and so works without hugepages.
[[nodiscard]] bool is_software(DeviceKind kind);

/// The prefix (`tap`), or `PCI address`, `devargs`: for messages.
[[nodiscard]] std::string_view to_string(DeviceKind kind);

}  // namespace braidway::dataplane
