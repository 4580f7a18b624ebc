#include "telemetry/int_md.hpp"

namespace braidway::telemetry {

HopMetadata load_hop(const std::byte* from, std::uint16_t bitmap) noexcept {
  const auto get32 = [&](std::uint16_t bit) {
    if ((bitmap & bit) == 0) return HopMetadata::unknown<std::uint32_t>;
    from += 4;
    return load_be32(from - 4);
  };
  const auto get64 = [&](std::uint16_t bit) {
    if ((bitmap & bit) == 0) return HopMetadata::unknown<std::uint64_t>;
    from += 8;
    return load_be64(from - 8);
  };
  HopMetadata hop;
  hop.node_id = get32(int_node_id);
  const std::uint32_t level1 = get32(int_level1_interfaces);
  hop.level1_ingress = static_cast<std::uint16_t>(level1 >> 16U);
  hop.level1_egress = static_cast<std::uint16_t>(level1);
  hop.hop_latency = get32(int_hop_latency);
  hop.queue = get32(int_queue);
  hop.ingress_time = get64(int_ingress_time);
  hop.egress_time = get64(int_egress_time);
  const std::uint64_t level2 = get64(int_level2_interfaces);
  hop.level2_ingress = static_cast<std::uint32_t>(level2 >> 32U);
  hop.level2_egress = static_cast<std::uint32_t>(level2);
  hop.egress_utilisation = get32(int_egress_utilisation);
  hop.buffer = get32(int_buffer);
  return hop;
}

IntFault detail::int_header_fault(const IntHeader& header, std::size_t udp_bytes) noexcept {
  if (header.type() != int_type_md) return IntFault::int_unknown_type;
  if (header.npt() != Npt::port && header.npt() != Npt::tunnel) return IntFault::int_unknown_npt;
  if (header.version() != int_version) return IntFault::int_wrong_version;
  const std::size_t after_shim = 4 * header.length_words();
  if (after_shim < int_md_header_bytes || udp_header_bytes + int_shim_bytes + after_shim > udp_bytes) {
    return IntFault::int_shim_length;
  }
  if (header.domain() != int_domain) return IntFault::int_foreign_domain;
  if ((header.ds_instruction() & order_words_instruction) != order_words_instruction) {
    return IntFault::int_no_order_words;
  }
  if (header.ds_instruction() != order_words_instruction) return IntFault::int_unknown_words;
  if (after_shim < int_md_header_bytes + order_words_bytes) return IntFault::int_shim_length;
  if (header.hop_words() != int_hop_words(header.bitmap())) return IntFault::int_hop_length;
  return IntFault::int_uneven_stack;
}

bool is_tagged(std::span<const std::byte> head, std::uint16_t int_port) noexcept {
  if (head.size() < udp_header_bytes + int_fixed_bytes) return false;
  const std::size_t udp_bytes = load_be16(head.data() + udp_length_offset);
  return load_be16(head.data() + udp_dport_offset) == int_port &&
         udp_bytes >= udp_header_bytes + int_fixed_bytes &&
         check_int_header(IntHeader::load(head.data() + udp_header_bytes), udp_bytes) == IntFault::none;
}

}  // namespace braidway::telemetry
