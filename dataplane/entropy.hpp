// New entropy in hosts' packets: another UDP source port or IPv6 flow label, by which a fabric's ECMP sends
// the flow another way (lb/flow_entropy.hpp says when). The ICRC covers the port and is corrected by the
// difference: one that was wrong stays wrong. It does not cover the flow label.
//
// Owner: the lane's worker. All memory at construction.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/settings.hpp"
#include "lb/flow_entropy.hpp"
#include "telemetry/icrc_update.hpp"
#include "telemetry/udp_packet.hpp"

namespace braidway::dataplane {

class Entropy {
 public:
  Entropy(EntropyField field, std::uint32_t flow_count) : flows({.flows = flow_count}), field_(field) {}

  /// Writes what has been decided for the flow; not 0. False, and the packet is as it was, if it has no such
  /// field, or is not whole in one buffer.
  [[nodiscard]] bool write(const telemetry::FrameInBuffer& frame, std::uint32_t entropy) const noexcept {
    std::byte* ip = frame.begin() + frame.l3_offset;
    if (field_ == EntropyField::source_port) {
      // Of the ports that RoCEv2 takes its source ports from (IBTA annex A17: any; RNICs: 0xc000 and more).
      return frame.contiguous() >= frame.frame_bytes &&
             icrc_.set_udp_source_port({ip, frame.frame_bytes - frame.l3_offset},
                                       static_cast<std::uint16_t>(0xc000U | (entropy & 0x3fffU)));
    }
    if (std::to_integer<unsigned>(ip[0]) >> 4U != 6) return false;
    // RFC 8200, section 3: the last 20 bits of the first word. 0 would say that there is none.
    const std::uint32_t label = (entropy & 0xf'ffffU) != 0 ? entropy & 0xf'ffffU : 1;
    ip[1] = (ip[1] & std::byte{0xf0}) | static_cast<std::byte>(label >> 16U);
    ip[2] = static_cast<std::byte>(label >> 8U & 0xffU);
    ip[3] = static_cast<std::byte>(label & 0xffU);
    return true;
  }

  lb::FlowEntropy flows;

 private:
  telemetry::IcrcUpdate icrc_;
  EntropyField field_;
};

}  // namespace braidway::dataplane
