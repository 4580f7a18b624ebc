// The messages between gateways: probes and feedback, UDP destination port 61792. Big-endian but for the
// authenticator. One message is the payload of one datagram, at most 1200 bytes:
//
//    0  version(8)=1 | type(8): 1 probe, 2 feedback | length(16): the whole payload, authenticator included
//    4  sender gateway(16) | receiver gateway(16)
//    8  sender's boot id(64), random, new at each start
//   16  receiver's boot id as the sender knows it(64), 0 = not yet
//   24  sequence(64), from 1, per (sender boot, receiver)
//   32  time sent(64), sender's clock, ns
//   40  path-set generation(16) | path it is sent on(8) | lane(4) flags(4): 0x1 blocked strand
//   44  body (probe: none)
//       feedback: capabilities(32) | 48 record count(8) | first record's path(8) | announced paths(16)
//       52  records of 44 bytes, one a path of the receiver, from the first one on and round; those that do
//           not fit come with the next message:
//            0  path(8) | flags(8): 0x80 heard, 0x40 FIFO standing lost, 0x20 counted, 0x10 told | period(16)
//            4  packets(32)  8 bytes(64)  16 CE-marked packets(32)  20 late packets(32)   cumulative,
//            wrapping
//           24  delay above minimum: least(32) 28 mean(32) 32 most(32), ns, since the last message
//           36  utilisation(8) | deepest queue any hop reported(24), ffffff: none did
//           40  longest hold in the order window(32), ns
//   end-8  SipHash-2-4 (Aumasson and Bernstein 2012) over all bytes before it, least significant byte first
//
// Loss is counted by alternate marking (lb/alternate_marking.hpp). So `packets` are those of all marking
// periods up to and including the last complete one, and `period` is the low half of that period's number.
// Flag 0x20 says that there is such a period: without it `period` and `packets` are 0 on the wire and mean
// nothing. With it, 0 packets are a count. Half a number tells periods apart for 8.6 s: whoever fills a
// record leaves the flag out where the path's last packet is older than `period_said_for`.
//
// Flag 0x10 says that hops have told how busy their egresses are. Then `utilisation` is the busiest one's
// share of its capacity, in 254ths, by the newest packet that told. It is an average already, which each hop
// has made over a time of its own: the most of several would be above all of them, the mean would be old.
// Without the flag those bits mean nothing; they are 0, or ones if no queue was reported either.
//
// Reading trusts nothing: authenticity is established before the body is looked at. What makes an authentic
// message count is the session's to say (session.hpp). Flags and capabilities that are not defined here are
// ignored, so that they may be. Pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "lb/types.hpp"

namespace braidway::telemetry {

inline constexpr std::uint8_t message_version = 1;
inline constexpr std::size_t message_header_bytes = 44;
inline constexpr std::size_t authenticator_bytes = 8;
inline constexpr std::size_t record_bytes = 44;
inline constexpr std::size_t most_message_bytes = 1200;
inline constexpr std::size_t probe_bytes = message_header_bytes + authenticator_bytes;
/// A feedback without records.
inline constexpr std::size_t least_feedback_bytes = message_header_bytes + 8 + authenticator_bytes;
inline constexpr std::size_t most_records = (most_message_bytes - least_feedback_bytes) / record_bytes;

/// Feedbacks that it takes to tell of so many paths.
constexpr std::size_t feedbacks_for(std::size_t paths) noexcept {
  return (paths + most_records - 1) / most_records;
}

/// One start of a gateway; 0 is none.
enum class BootId : std::uint64_t {};
inline constexpr BootId unknown_boot{0};

enum class MessageType : std::uint8_t { probe = 1, feedback = 2 };

/// Shared by two gateways. Who knows it can steer their traffic.
struct MessageKey {
  std::array<std::uint8_t, 16> bytes{};
};

struct MessageHeader {
  lb::GatewayId sender{};
  lb::GatewayId receiver{};
  BootId sender_boot{};
  BootId receiver_boot{};  ///< as the sender knows it, or unknown_boot
  std::uint64_t sequence = 0;
  lb::Nanoseconds sent{};        ///< sender's clock
  std::uint16_t generation = 0;  ///< of the sender's set of paths
  lb::PathId path{};             ///< it is sent on
  lb::Lane lane{};
  bool blocked_strand = false;  ///< the sender uses this strand for nothing else
};

/// What the sender of a feedback can do, bits.
namespace capability {
inline constexpr std::uint32_t restores_order = 1U << 0;
inline constexpr std::uint32_t reads_tunnels = 1U << 1;
inline constexpr std::uint32_t ioam = 1U << 2;
}  // namespace capability

/// In a field of a record: nothing was measured.
inline constexpr std::uint32_t not_measured = 0xffffffff;
/// Of an egress that is in full use; and: nobody has told.
inline constexpr std::uint8_t full_utilisation = 254;
inline constexpr std::uint8_t utilisation_not_told = 255;
/// Of the capacity, 0 to 1; nothing: nobody has told.
constexpr std::optional<float> share_of_capacity(std::uint8_t utilisation) noexcept {
  if (utilisation == utilisation_not_told) return std::nullopt;
  return static_cast<float>(utilisation) / full_utilisation;
}
/// The deepest queue that a record can tell: INT's own limit.
inline constexpr std::uint32_t deepest_queue_told = 0xff'fffe;
/// How long after the last packet of a path its period is said: half of the time for which 16 bits say which.
inline constexpr lb::Nanoseconds period_said_for{4'000'000'000};

/// What the sender of a feedback has seen of one path of the receiver. Counts wrap and run since its boot.
struct PathRecord {
  bool heard = false;         ///< anything, since the message before
  bool fifo_lost = false;     ///< the path was seen to reorder within a flow
  bool counted = false;       ///< `period` and `packets` are there
  std::uint16_t period = 0;   ///< low half of the last complete marking period, see full_period()
  std::uint32_t packets = 0;  ///< of all periods up to that one
  std::uint64_t bytes = 0;
  std::uint32_t ce_marked = 0;               ///< packets
  std::uint32_t late = 0;                    ///< packets
  std::uint32_t least_delay = not_measured;  ///< above the path's minimum, ns, since the message before
  std::uint32_t mean_delay = not_measured;
  std::uint32_t most_delay = not_measured;
  std::uint8_t utilisation = utilisation_not_told;  ///< of the busiest hop, in parts of full_utilisation
  std::uint32_t deepest_queue = not_measured;       ///< of any hop, in the hops' unit; see deepest_queue_told
  std::uint32_t longest_hold = 0;                   ///< in the order window, ns

  friend bool operator==(const PathRecord&, const PathRecord&) = default;
};

/// The number of the marking period whose low half is `low`: the one nearest to `near`, a period of the same
/// clock. Right for periods less than 2^15 (4.3 s) apart; wraps with them.
constexpr std::uint32_t full_period(std::uint16_t low, std::uint32_t near) noexcept {
  const auto ahead = static_cast<std::int16_t>(static_cast<std::uint16_t>(low - near));
  return near + static_cast<std::uint32_t>(std::int32_t{ahead});
}

/// A message as read. In a probe all that belongs to the body is 0.
struct Message {
  MessageType type{};
  MessageHeader header;
  std::uint32_t capabilities = 0;
  std::uint16_t announced = 0;                   ///< paths of the receiver that records go round over, 0..256
  std::uint8_t first = 0;                        ///< path of the first record
  std::uint8_t count = 0;                        ///< records in this message
  std::array<PathRecord, most_records> records;  ///< the first `count` of them were read

  /// Of which path records[i] speaks, i < count.
  [[nodiscard]] lb::PathId path_of(std::size_t i) const noexcept {
    return static_cast<lb::PathId>((first + i) % announced);
  }
};

/// Why a message is not taken. `none`: it is.
enum class MessageDefect : std::uint8_t {
  truncated_message,     ///< shorter than a message without a body
  message_too_long,      ///< longer than 1200 bytes
  bad_message_version,   ///< version is not 1
  bad_message_type,      ///< neither probe nor feedback
  bad_message_length,    ///< the length field is not the payload's length
  message_for_another,   ///< we are neither its receiver nor its sender
  bad_authenticator,     ///< not made with the pair's key, or changed
  no_sender_boot,        ///< the sender's boot id is 0
  no_sequence,           ///< the sequence is 0
  bad_probe_length,      ///< a probe with a body
  truncated_feedback,    ///< ends before the first record
  bad_record_count,      ///< the records are not as long as their count says
  too_many_paths,        ///< more than 256 are announced
  records_beyond_paths,  ///< more records than paths are announced
  first_beyond_paths,    ///< the first record's path is not among those announced
  record_out_of_turn,    ///< a record is not of the path whose turn it is
  none,
};
inline constexpr std::array<std::string_view, 16> message_defect_names{
    "truncated_message",  "message_too_long",     "bad_message_version", "bad_message_type",
    "bad_message_length", "message_for_another",  "bad_authenticator",   "no_sender_boot",
    "no_sequence",        "bad_probe_length",     "truncated_feedback",  "bad_record_count",
    "too_many_paths",     "records_beyond_paths", "first_beyond_paths",  "record_out_of_turn"};
static_assert(message_defect_names.size() == static_cast<std::size_t>(MessageDefect::none));

/// Between whom a message claims to go. Nothing proves it before the authenticator does.
struct MessageEnds {
  lb::GatewayId sender{};
  lb::GatewayId receiver{};
};

/// Whose key and session a message belongs to.
constexpr lb::GatewayId other_end(const MessageEnds& ends, lb::GatewayId self) noexcept {
  return ends.sender == self ? ends.receiver : ends.sender;
}

/// What can be said of a payload without a key: a defect of the outer form, up to bad_message_length, or
/// none, and then `ends` tells which pair's key is to be taken. For telling messages from other packets, too.
MessageDefect check_form(std::span<const std::byte> payload, MessageEnds& ends) noexcept;

/// Reads and authenticates a message to `self`, or one that `self` claims to have sent: what a gateway hears
/// back of its own is no less authentic. `out` means something only if the answer is none.
MessageDefect read_message(std::span<const std::byte> payload, const MessageKey& key, lb::GatewayId self,
                           Message& out) noexcept;

using MessageBuffer = std::span<std::byte, most_message_bytes>;

/// Writes and authenticates a probe; returns its length, probe_bytes.
std::size_t write_probe(const MessageHeader& header, const MessageKey& key, MessageBuffer out) noexcept;

struct FeedbackWritten {
  std::size_t bytes = 0;  ///< length of the message
  std::uint8_t next = 0;  ///< path to begin the next message with, so that all have their turn
};

/// Writes and authenticates a feedback: `paths[i]` of the receiver's path i, at most 256, as many as fit from
/// path `first` on and round. A `first` beyond the paths counts as 0: their number may have shrunk.
FeedbackWritten write_feedback(const MessageHeader& header, std::uint32_t capabilities,
                               std::span<const PathRecord> paths, std::uint8_t first, const MessageKey& key,
                               MessageBuffer out) noexcept;

/// SipHash-2-4 of `bytes`, as it stands at the end of a message.
std::array<std::byte, authenticator_bytes> authenticator(std::span<const std::byte> bytes,
                                                         const MessageKey& key) noexcept;

}  // namespace braidway::telemetry
