#include "dataplane/device.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstddef>
#include <utility>

#include <rte_build_config.h>

namespace braidway::dataplane {
namespace {

static_assert(max_devices == RTE_MAX_ETHPORTS);

struct Prefix {
  std::string_view word;
  DeviceKind kind;
};

constexpr std::array prefixes{
    Prefix{"tap", DeviceKind::tap},       Prefix{"af_packet", DeviceKind::af_packet},
    Prefix{"af_xdp", DeviceKind::af_xdp}, Prefix{"vhost", DeviceKind::vhost},
    Prefix{"memif", DeviceKind::memif},   Prefix{"virtio_user", DeviceKind::virtio_user},
    Prefix{"pcap", DeviceKind::pcap},     Prefix{"ring", DeviceKind::ring},
};

constexpr std::string_view known_words =
    "known are a PCI address (0000:3b:00.0), tap:NAME, af_packet:IF, af_xdp:IF, vhost:SOCKET, "
    "virtio_user:SOCKET, "
    "memif:SOCKET, pcap:FILE, ring:NAME and DPDK devargs (net_...)";

constexpr std::size_t max_interface_name = 15;  // IFNAMSIZ - 1, linux/if.h
constexpr std::size_t max_socket_path = 107;    // sizeof(sockaddr_un::sun_path) - 1
constexpr std::size_t max_file_path = 4095;     // PATH_MAX - 1
constexpr std::size_t max_device_name = 63;     // RTE_DEV_NAME_MAX_LEN - 1
// net_ring names its rings "ETH_RXTX<queue>_<device>"; with two digits of queue, "net_ring_" and
// RTE_RING_NAMESIZE of 29 that leaves this.
constexpr std::size_t max_ring_name = 8;

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; }

// What rte_kvargs would take for its own syntax, and what no path of ours needs.
bool fits_devargs(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    return c == ',' || c == '[' || c == ']' || static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
  });
}

// [domain:]bus:device.function, PCI Firmware Specification notation. Canonical: lower case, with the domain.
std::string canonical_pci(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto colons = std::ranges::count(lower, ':');
  if (colons != 1 && colons != 2) {
    return {};
  }
  if (colons == 1) {
    lower.insert(0, "0000:");
  }
  const std::size_t domain = lower.find(':');
  const std::string_view rest = std::string_view(lower).substr(domain + 1);
  const bool ok = domain >= 4 && domain <= 8 &&
                  std::all_of(lower.begin(), lower.begin() + static_cast<long>(domain), is_hex) &&
                  rest.size() == 7 && is_hex(rest[0]) && is_hex(rest[1]) && rest[2] == ':' &&
                  (rest[3] == '0' || rest[3] == '1') && is_hex(rest[4]) && rest[5] == '.' && rest[6] >= '0' &&
                  rest[6] <= '7';
  return ok ? lower : std::string{};
}

std::string check_interface(std::string_view name) {
  if (name.empty()) {
    return "the interface name is missing";
  }
  if (name.size() > max_interface_name) {
    return "an interface name has at most 15 characters";
  }
  if (name == "." || name == ".." || name.find_first_of("/:") != std::string_view::npos ||
      !fits_devargs(name)) {
    return "an interface name has no spaces, commas, brackets, slashes or colons";
  }
  return {};
}

std::string check_path(std::string_view path, std::string_view what, std::size_t longest) {
  if (path.empty()) {
    return "the path of the " + std::string(what) + " is missing";
  }
  if (path.size() > longest) {
    return "the path of a " + std::string(what) + " has at most " + std::to_string(longest) + " characters";
  }
  if (!fits_devargs(path)) {
    return "the path of a " + std::string(what) +
           " has no spaces, commas or brackets (DPDK would misread it)";
  }
  return {};
}

std::string check_ring(std::string_view name) {
  if (name.empty() || name.size() > max_ring_name || !std::ranges::all_of(name, is_word)) {
    return "the name of a ring has 1 to 8 letters, digits, - or _";
  }
  return {};
}

std::string check_argument(DeviceKind kind, std::string_view argument) {
  switch (kind) {
    case DeviceKind::tap:
    case DeviceKind::af_packet:
    case DeviceKind::af_xdp:
      return check_interface(argument);
    case DeviceKind::vhost:
    case DeviceKind::virtio_user:
      return check_path(argument, "socket", max_socket_path);
    case DeviceKind::memif: {
      const std::size_t comma = argument.find(',');
      if (comma != std::string_view::npos && argument.substr(comma) != ",client") {
        return "after the socket only ',client' may stand";
      }
      return check_path(argument.substr(0, comma), "socket", max_socket_path);
    }
    case DeviceKind::pcap:
      return check_path(argument, "file", max_file_path);
    case DeviceKind::ring:
      return check_ring(argument);
    case DeviceKind::pci:
    case DeviceKind::devargs:
      break;
  }
  return {};
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

/// One line of at most 60 characters, whatever the bytes: it goes into an error message.
std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string out = "'";
  for (const char c : text.substr(0, longest)) {
    out += c == ' ' || is_printable({&c, 1}) ? c : '?';
  }
  return out + (text.size() > longest ? "...'" : "'");
}

tl::expected<DeviceWord, std::string> parse_devargs(std::string_view word) {
  const std::string_view name = word.substr(0, word.find(','));
  if (!is_printable(word) || !std::ranges::all_of(name, is_word)) {
    return tl::unexpected<std::string>(
        "DPDK devargs are NAME,KEY=VALUE,... without spaces; NAME is letters, digits, - and _");
  }
  if (name == "net_") {
    return tl::unexpected<std::string>("'net_' names no driver; DPDK's are net_null0, net_pcap0 and so on");
  }
  if (name.size() > max_device_name) {
    return tl::unexpected<std::string>("the name in DPDK devargs has at most 63 characters");
  }
  return DeviceWord{DeviceKind::devargs, std::string(word)};
}

// A frame of af_packet's ring holds the kernel's header (TPACKET2_HDRLEN and sockaddr_ll, under 128 bytes)
// and the frame; a power of two from 2048 divides the block whatever the page size.
std::string af_packet_ring(const PortSettings& port) {
  constexpr unsigned headers = 128 + 14 + 2 * 4;
  const unsigned frame = std::max(2048U, std::bit_ceil(port.mtu + headers));
  const unsigned block = std::max(4096U, frame);
  return ",framesz=" + std::to_string(frame) + ",blocksz=" + std::to_string(block) +
         ",framecnt=" + std::to_string(port.descriptors);
}

}  // namespace

tl::expected<DeviceWord, std::string> parse_device_word(std::string_view word) {
  if (word.empty()) {
    return tl::unexpected<std::string>("the device is empty; " + std::string(known_words));
  }
  const std::size_t comma = word.find(',');
  if (std::string pci = canonical_pci(word.substr(0, comma)); !pci.empty()) {
    if (comma != std::string_view::npos) {
      pci += word.substr(comma);
    }
    if (!is_printable(pci)) {
      return tl::unexpected<std::string>("a PCI device takes KEY=VALUE,... without spaces");
    }
    return DeviceWord{DeviceKind::pci, std::move(pci)};
  }
  if (word.starts_with("net_")) {
    return parse_devargs(word);
  }
  const std::size_t colon = word.find(':');
  const std::string_view prefix = word.substr(0, colon);
  const auto* known = std::ranges::find(prefixes, prefix, &Prefix::word);
  if (colon == std::string_view::npos || known == prefixes.end()) {
    return tl::unexpected<std::string>(quoted(word) + " is no device; " + std::string(known_words));
  }
  const std::string_view argument = word.substr(colon + 1);
  if (std::string wrong = check_argument(known->kind, argument); !wrong.empty()) {
    return tl::unexpected<std::string>(quoted(word) + " is no " + std::string(prefix) + " device; " + wrong);
  }
  return DeviceWord{known->kind, std::string(argument)};
}

// The keys are those that the drivers of DPDK 22.11 register (RTE_PMD_REGISTER_PARAM_STRING; `dpdk-pmdinfo`).
std::string devargs_for(const DeviceWord& word, unsigned index, const PortSettings& port,
                        std::string_view xdp_program) {
  const std::string number = std::to_string(index);
  const std::string queues = std::to_string(port.queues);
  const std::string& argument = word.argument;
  switch (word.kind) {
    case DeviceKind::pci:
    case DeviceKind::devargs:
      return argument;
    case DeviceKind::tap:
      return "net_tap" + number + ",iface=" + argument;
    case DeviceKind::af_packet:
      return "net_af_packet" + number + ",iface=" + argument + ",qpairs=" + queues + af_packet_ring(port);
    case DeviceKind::af_xdp: {
      std::string args =
          "net_af_xdp" + number + ",iface=" + argument + ",start_queue=0,queue_count=" + queues;
      if (!xdp_program.empty()) {
        args += ",xdp_prog=" + std::string(xdp_program);
      }
      return args;
    }
    case DeviceKind::vhost:
      return "net_vhost" + number + ",iface=" + argument + ",queues=" + queues + ",client=0";
    case DeviceKind::virtio_user:
      return "net_virtio_user" + number + ",path=" + argument + ",queues=" + queues +
             ",queue_size=" + std::to_string(port.descriptors) + ",server=0";
    case DeviceKind::memif: {
      const std::string socket = argument.substr(0, argument.find(','));
      const bool client = socket.size() != argument.size();
      // Rings of at most 2^14 entries (ETH_MEMIF_MAX_LOG2_RING_SIZE).
      const auto log2 = static_cast<unsigned>(std::bit_width(port.descriptors)) - 1U;
      const unsigned ring = std::min(log2, 14U);
      return "net_memif" + number + ",role=" + (client ? "client" : "server") + ",id=0,socket=" + socket +
             ",socket-abstract=no,rsize=" + std::to_string(ring);
    }
    case DeviceKind::pcap:
      return "net_pcap" + number + ",rx_pcap=" + argument;
    case DeviceKind::ring:
      return "net_ring_" + argument;
  }
  return argument;
}

bool is_software(DeviceKind kind) { return kind != DeviceKind::pci; }

std::string_view to_string(DeviceKind kind) {
  if (kind == DeviceKind::pci) {
    return "PCI address";
  }
  const auto* known = std::ranges::find(prefixes, kind, &Prefix::kind);
  return known == prefixes.end() ? std::string_view("devargs") : known->word;
}

}  // namespace braidway::dataplane
