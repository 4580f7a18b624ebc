// The Linux kernel as an IOAM transit node: in a network namespace of the process's own, which vanishes with
// it however it ends, it routes from one veth pair to another. Frames are sent into the far end of the one
// and come out of the far end of the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/unique_fd.hpp"
#include "tests/unit/telemetry/ioam_frames.hpp"

namespace braidway::tests {

class IoamKernel {
 public:
  // What the kernel is told to say of itself.
  static constexpr std::uint32_t node_id = 0xabcdef;
  static constexpr std::uint64_t node_id_wide = 0x1122'3344'5566'77;
  static constexpr std::uint16_t ingress = 1111;
  static constexpr std::uint16_t egress = 2222;
  static constexpr std::uint32_t ingress_wide = 0x1111'1111;
  static constexpr std::uint32_t egress_wide = 0x2222'2222;
  /// A namespace with data and a schema, one with neither, and one that the kernel does not know.
  static constexpr std::uint16_t rich_namespace = 123;
  static constexpr std::uint16_t poor_namespace = 124;
  static constexpr std::uint16_t unknown_namespace = 125;
  static constexpr std::uint32_t namespace_data = 0xdeadbee0;
  static constexpr std::uint64_t namespace_data_wide = 0xcafe'c0ca'f00d'c0de;
  static constexpr std::uint32_t schema_id = 777;
  static constexpr const char* schema = "eight by";  ///< two words
  static constexpr unsigned mtu = 9000;

  /// The addresses that frames must have to come through: MACs of the way in, and the outer destination.
  static Bytes link_header();
  static lb::IpAddress source() { return lb::ipv6(0xfd00'0001'0000'0000, 2); }
  static lb::IpAddress destination() { return lb::ipv6(0xfd00'0002'0000'0000, 2); }

  /// Moves the process into a namespace and makes the router there. The reason if that is not possible here.
  std::optional<std::string> start();

  /// Sends a frame in and waits for the next one that comes out for destination(). Empty if none does.
  Bytes pass(const Bytes& frame);

 private:
  dataplane::UniqueFd in_;
  dataplane::UniqueFd out_;
};

}  // namespace braidway::tests
