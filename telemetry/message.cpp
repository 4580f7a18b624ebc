#include "telemetry/message.hpp"

#include <algorithm>
#include <cstring>
#include <sodium/crypto_shorthash.h>

#include "telemetry/big_endian.hpp"

namespace braidway::telemetry {
namespace {

static_assert(crypto_shorthash_BYTES == authenticator_bytes);
static_assert(crypto_shorthash_KEYBYTES == sizeof(MessageKey));

constexpr std::size_t records_at = message_header_bytes + 8;
static_assert(records_at + authenticator_bytes == least_feedback_bytes);

constexpr std::uint8_t blocked_strand = 0x01;
constexpr std::uint8_t heard = 0x80;
constexpr std::uint8_t fifo_lost = 0x40;
constexpr std::uint8_t counted = 0x20;
constexpr std::uint8_t utilisation_told = 0x10;

constexpr unsigned queue_bits = 24;
constexpr std::uint32_t queue_mask = (1U << queue_bits) - 1;
static_assert(deepest_queue_told == queue_mask - 1);

std::uint8_t load8(const std::byte* from) noexcept { return std::to_integer<std::uint8_t>(*from); }
void store8(std::byte* to, std::uint8_t value) noexcept { *to = std::byte{value}; }

MessageEnds ends_of(const std::byte* message) noexcept {
  return {.sender = lb::GatewayId{load_be16(message + 4)}, .receiver = lb::GatewayId{load_be16(message + 6)}};
}

void read_header(const std::byte* from, MessageHeader& header) noexcept {
  const MessageEnds ends = ends_of(from);
  const std::uint8_t lane_and_flags = load8(from + 43);
  header = {.sender = ends.sender,
            .receiver = ends.receiver,
            .sender_boot = BootId{load_be64(from + 8)},
            .receiver_boot = BootId{load_be64(from + 16)},
            .sequence = load_be64(from + 24),
            .sent = lb::Nanoseconds{static_cast<std::int64_t>(load_be64(from + 32))},
            .generation = load_be16(from + 40),
            .path = lb::PathId{load8(from + 42)},
            .lane = lb::Lane{static_cast<std::uint8_t>(lane_and_flags >> 4)},
            .blocked_strand = (lane_and_flags & blocked_strand) != 0};
}

void write_header(MessageType type, std::size_t bytes, const MessageHeader& header, std::byte* to) noexcept {
  store8(to, message_version);
  store8(to + 1, static_cast<std::uint8_t>(type));
  store_be16(to + 2, static_cast<std::uint16_t>(bytes));
  store_be16(to + 4, value(header.sender));
  store_be16(to + 6, value(header.receiver));
  store_be64(to + 8, static_cast<std::uint64_t>(header.sender_boot));
  store_be64(to + 16, static_cast<std::uint64_t>(header.receiver_boot));
  store_be64(to + 24, header.sequence);
  store_be64(to + 32, static_cast<std::uint64_t>(value(header.sent)));
  store_be16(to + 40, header.generation);
  store8(to + 42, value(header.path));
  store8(to + 43,
         static_cast<std::uint8_t>(value(header.lane) << 4 | (header.blocked_strand ? blocked_strand : 0)));
}

/// Utilisation and deepest queue in one word. All ones: neither.
std::uint32_t hops_word(const PathRecord& record) noexcept {
  if (record.deepest_queue == not_measured && record.utilisation == utilisation_not_told) return not_measured;
  const std::uint32_t queue =
      record.deepest_queue == not_measured ? queue_mask : std::min(record.deepest_queue, deepest_queue_told);
  return record.utilisation == utilisation_not_told ? queue
                                                    : std::uint32_t{record.utilisation} << queue_bits | queue;
}

void read_record(const std::byte* from, PathRecord& record) noexcept {
  const std::uint8_t flags = load8(from + 1);
  const std::uint32_t hops = load_be32(from + 36);
  const bool has_count = (flags & counted) != 0;
  record = {.heard = (flags & heard) != 0,
            .fifo_lost = (flags & fifo_lost) != 0,
            .counted = has_count,
            .period = has_count ? load_be16(from + 2) : std::uint16_t{0},
            .packets = has_count ? load_be32(from + 4) : 0,
            .bytes = load_be64(from + 8),
            .ce_marked = load_be32(from + 16),
            .late = load_be32(from + 20),
            .least_delay = load_be32(from + 24),
            .mean_delay = load_be32(from + 28),
            .most_delay = load_be32(from + 32),
            .utilisation = (flags & utilisation_told) != 0 ? static_cast<std::uint8_t>(hops >> queue_bits)
                                                           : utilisation_not_told,
            .deepest_queue = (hops & queue_mask) == queue_mask ? not_measured : hops & queue_mask,
            .longest_hold = load_be32(from + 40)};
}

void write_record(std::uint8_t path, const PathRecord& record, std::byte* to) noexcept {
  store8(to, path);
  const bool told = record.utilisation != utilisation_not_told;
  store8(to + 1, static_cast<std::uint8_t>((record.heard ? heard : 0) | (record.fifo_lost ? fifo_lost : 0) |
                                           (record.counted ? counted : 0) | (told ? utilisation_told : 0)));
  store_be16(to + 2, record.counted ? record.period : std::uint16_t{0});
  store_be32(to + 4, record.counted ? record.packets : 0);
  store_be64(to + 8, record.bytes);
  store_be32(to + 16, record.ce_marked);
  store_be32(to + 20, record.late);
  store_be32(to + 24, record.least_delay);
  store_be32(to + 28, record.mean_delay);
  store_be32(to + 32, record.most_delay);
  store_be32(to + 36, hops_word(record));
  store_be32(to + 40, record.longest_hold);
}

void authenticate(std::byte* message, std::size_t bytes, const MessageKey& key) noexcept {
  const std::size_t covered = bytes - authenticator_bytes;
  const auto code = authenticator({message, covered}, key);
  std::memcpy(message + covered, code.data(), code.size());
}

/// As one number, so that how long the comparison takes tells nothing of where they differ.
bool is_authentic(std::span<const std::byte> message, const MessageKey& key) noexcept {
  const auto covered = message.first(message.size() - authenticator_bytes);
  const auto right = authenticator(covered, key);
  return load_be64(right.data()) == load_be64(covered.data() + covered.size());
}

MessageDefect read_feedback(std::span<const std::byte> message, Message& out) noexcept {
  if (message.size() < least_feedback_bytes) return MessageDefect::truncated_feedback;
  const std::byte* body = message.data() + message_header_bytes;
  out.capabilities = load_be32(body);
  out.count = load8(body + 4);
  out.first = load8(body + 5);
  out.announced = load_be16(body + 6);
  if (message.size() != least_feedback_bytes + out.count * record_bytes) {
    return MessageDefect::bad_record_count;
  }
  if (out.announced > lb::max_paths_per_peer) return MessageDefect::too_many_paths;
  if (out.count > out.announced) return MessageDefect::records_beyond_paths;
  if (out.first > 0 && out.first >= out.announced) return MessageDefect::first_beyond_paths;
  for (std::size_t i = 0; i < out.count; ++i) {
    const std::byte* record = message.data() + records_at + i * record_bytes;
    if (load8(record) != value(out.path_of(i))) return MessageDefect::record_out_of_turn;
    read_record(record, out.records[i]);
  }
  return MessageDefect::none;
}

}  // namespace

std::array<std::byte, authenticator_bytes> authenticator(std::span<const std::byte> bytes,
                                                         const MessageKey& key) noexcept {
  std::array<std::byte, authenticator_bytes> code;
  crypto_shorthash(reinterpret_cast<unsigned char*>(code.data()),
                   reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), key.bytes.data());
  return code;
}

MessageDefect check_form(std::span<const std::byte> payload, MessageEnds& ends) noexcept {
  if (payload.size() < probe_bytes) return MessageDefect::truncated_message;
  if (payload.size() > most_message_bytes) return MessageDefect::message_too_long;
  if (load8(payload.data()) != message_version) return MessageDefect::bad_message_version;
  const auto type = MessageType{load8(payload.data() + 1)};
  if (type != MessageType::probe && type != MessageType::feedback) return MessageDefect::bad_message_type;
  if (load_be16(payload.data() + 2) != payload.size()) return MessageDefect::bad_message_length;
  ends = ends_of(payload.data());
  return MessageDefect::none;
}

MessageDefect read_message(std::span<const std::byte> payload, const MessageKey& key, lb::GatewayId self,
                           Message& out) noexcept {
  MessageEnds ends;
  const MessageDefect form = check_form(payload, ends);
  if (form != MessageDefect::none) return form;
  if (ends.receiver != self && ends.sender != self) return MessageDefect::message_for_another;
  if (!is_authentic(payload, key)) return MessageDefect::bad_authenticator;
  out.type = MessageType{load8(payload.data() + 1)};
  read_header(payload.data(), out.header);
  if (out.header.sender_boot == unknown_boot) return MessageDefect::no_sender_boot;
  if (out.header.sequence == 0) return MessageDefect::no_sequence;
  if (out.type == MessageType::feedback) return read_feedback(payload, out);
  out.capabilities = 0;
  out.announced = 0;
  out.first = 0;
  out.count = 0;
  return payload.size() == probe_bytes ? MessageDefect::none : MessageDefect::bad_probe_length;
}

std::size_t write_probe(const MessageHeader& header, const MessageKey& key, MessageBuffer out) noexcept {
  write_header(MessageType::probe, probe_bytes, header, out.data());
  authenticate(out.data(), probe_bytes, key);
  return probe_bytes;
}

FeedbackWritten write_feedback(const MessageHeader& header, std::uint32_t capabilities,
                               std::span<const PathRecord> paths, std::uint8_t first, const MessageKey& key,
                               MessageBuffer out) noexcept {
  const std::size_t announced = std::min<std::size_t>(paths.size(), lb::max_paths_per_peer);
  const std::size_t count = std::min(announced, most_records);
  const std::size_t bytes = least_feedback_bytes + count * record_bytes;
  std::size_t path = first < announced ? first : 0;

  std::byte* const to = out.data();
  write_header(MessageType::feedback, bytes, header, to);
  store_be32(to + message_header_bytes, capabilities);
  store8(to + message_header_bytes + 4, static_cast<std::uint8_t>(count));
  store8(to + message_header_bytes + 5, static_cast<std::uint8_t>(path));
  store_be16(to + message_header_bytes + 6, static_cast<std::uint16_t>(announced));
  for (std::size_t i = 0; i < count; ++i) {
    write_record(static_cast<std::uint8_t>(path), paths[path], to + records_at + i * record_bytes);
    path = path + 1 == announced ? 0 : path + 1;
  }
  authenticate(to, bytes, key);
  return {.bytes = bytes, .next = static_cast<std::uint8_t>(path)};
}

}  // namespace braidway::telemetry
