// From what a peer's feedbacks say of paths, counts since its boot, to what came by each path since the
// feedback before (ctrl/model/load_bins.hpp).
//
// Bytes are those of the wire: the peer counts IP packets, and each takes 38 bytes more of a link, Ethernet's
// header and check sequence, preamble and gap (IEEE 802.3). How large a path's packets are is told by the
// counts of both over some time, since a feedback's packets are of another moment than its bytes.
//
// A path of which counts ran backwards, or those of another life of the peer: nothing came by it, as far as
// is known, which tells no more of others' load than a bound.
//
// Plain state; owner: the slow loop's thread. All memory at construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ctrl/model/load_bins.hpp"
#include "telemetry/message.hpp"

namespace braidway::ctrl::forecast {

class FeedbackReader {
 public:
  explicit FeedbackReader(std::size_t paths) : paths_(paths), heard_(paths) {}

  /// By path, good until the next call.
  std::span<model::LoadBins::Heard> read(const telemetry::Message& feedback) noexcept;

 private:
  struct Path {
    std::uint64_t bytes = 0;    ///< as last told
    std::uint32_t packets = 0;  ///< the same
    bool known = false;         ///< these are of this life of the peer
    double recent_bytes = 0;    ///< of the last some thousand packets
    double recent_packets = 0;
  };

  [[nodiscard]] static std::uint64_t came(Path& path, const telemetry::PathRecord& record) noexcept;

  telemetry::BootId boot_{};
  std::vector<Path> paths_;
  std::vector<model::LoadBins::Heard> heard_;
};

}  // namespace braidway::ctrl::forecast
