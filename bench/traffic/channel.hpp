// One direction between the two ends: frames are written, entered in the ledger, and checked on arrival.
// Owner: the one thread that runs both ends. No allocation after construction.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "bench/traffic/frame.hpp"
#include "bench/traffic/ledger.hpp"

namespace braidway::bench::traffic {

class Channel {
 public:
  /// Frames of this direction go to the QPs `dest_qpn_base` ... `dest_qpn_base + qps - 1`; see Ledger for
  /// `depth`.
  Channel(const Route& route, std::uint32_t dest_qpn_base, std::uint32_t qps, std::uint32_t depth)
      : route_{route}, base_{dest_qpn_base}, qps_{qps}, ledger_{qps, depth} {}

  /// Writes a frame to QP `qp` into `buffer`; returns its bytes. `fields` needs no addresses, port or IPv4
  /// id.
  template <class Fill>
  std::size_t write(std::span<std::byte> buffer, std::uint32_t qp, FrameFields fields, Fill&& fill) noexcept {
    fields.dest_qpn = base_ + qp;
    fields.udp_source = udp_source_of(fields.dest_qpn);
    // A number per transmission, as RNICs give: it makes retransmissions over IPv4 differ from their
    // originals.
    fields.ip_id = static_cast<std::uint16_t>(ledger_.sent_to(qp));
    const WrittenFrame written = route_.write(buffer, fields, fill);
    ledger_.sent(qp, written.icrc);
    return written.bytes;
  }

  struct Arrival {
    std::uint32_t qp = 0;
    Route::Frame frame;
  };
  /// Checks a frame that came out of the far port and enters it in the ledger; nothing where it is not to be
  /// looked at.
  std::optional<Arrival> arrived(std::span<const std::byte> bytes) noexcept {
    Arrival arrival;
    switch (route_.read(bytes, arrival.frame)) {
      case Route::Reading::foreign:
        ++foreign_;
        return std::nullopt;
      case Route::Reading::broken:
        ++icrc_errors_;
        return std::nullopt;
      case Route::Reading::whole:
        break;
    }
    arrival.qp = arrival.frame.dest_qpn - base_;
    if (arrival.qp >= qps_) {
      ++foreign_;
      return std::nullopt;
    }
    ledger_.arrived(arrival.qp, arrival.frame.icrc);
    if (arrival.frame.udp_source != udp_source_of(arrival.frame.dest_qpn)) ++protocol_errors_;
    return arrival;
  }

  void count_payload_error() noexcept { ++payload_errors_; }
  void count_protocol_error() noexcept { ++protocol_errors_; }

  const Route& route() const noexcept { return route_; }
  const Ledger& ledger() const noexcept { return ledger_; }
  /// RoCEv2 frames between the two ends with a wrong length, checksum or ICRC.
  std::uint64_t icrc_errors() const noexcept { return icrc_errors_; }
  /// Right ICRC, yet not the bytes this message has.
  std::uint64_t payload_errors() const noexcept { return payload_errors_; }
  /// Right ICRC, yet not what this QP may get: opcode, length, address, key, PSN or MSN.
  std::uint64_t protocol_errors() const noexcept { return protocol_errors_; }
  /// Frames that are none of ours.
  std::uint64_t foreign() const noexcept { return foreign_; }

 private:
  Route route_;
  std::uint32_t base_;
  std::uint32_t qps_;
  Ledger ledger_;
  std::uint64_t icrc_errors_ = 0;
  std::uint64_t payload_errors_ = 0;
  std::uint64_t protocol_errors_ = 0;
  std::uint64_t foreign_ = 0;
};

}  // namespace braidway::bench::traffic
