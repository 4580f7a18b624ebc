#include "bench/traffic/responder.hpp"

#include <algorithm>
#include <cstring>

#include "bench/traffic/wire.hpp"

namespace braidway::bench::traffic {
namespace {

using telemetry::Opcode;

constexpr std::uint32_t max_burst = 8;

struct Kind {
  Operation operation;
  bool first;
  bool last;
};

/// What a request of this opcode is; nothing where it is no request we know.
std::optional<Kind> kind_of(std::uint8_t opcode) noexcept {
  switch (static_cast<Opcode>(opcode)) {
    case Opcode::rc_send_first:
      return Kind{Operation::send, true, false};
    case Opcode::rc_send_middle:
      return Kind{Operation::send, false, false};
    case Opcode::rc_send_last:
      return Kind{Operation::send, false, true};
    case Opcode::rc_send_only:
      return Kind{Operation::send, true, true};
    case Opcode::rc_write_first:
      return Kind{Operation::write, true, false};
    case Opcode::rc_write_middle:
      return Kind{Operation::write, false, false};
    case Opcode::rc_write_last:
      return Kind{Operation::write, false, true};
    case Opcode::rc_write_only:
      return Kind{Operation::write, true, true};
    case Opcode::rc_read_request:
      return Kind{Operation::read, true, true};
    default:
      return std::nullopt;
  }
}

}  // namespace

Responder::Responder(const Schedule& schedule, Channel& requests, Channel& responses)
    : segments_{schedule},
      requests_{requests},
      responses_{responses},
      qps_(schedule.qps),
      ready_{schedule.qps} {}

/// Whether this is the request that the schedule has at this position. A wrong payload is counted, yet
/// accepted.
bool Responder::right(const Channel::Arrival& arrival, const Segment& segment) noexcept {
  const auto kind = kind_of(arrival.frame.opcode);
  if (!kind || kind->operation != segment.operation) return false;
  const bool read = segment.operation == Operation::read;
  if (!read && (kind->first != segment.first || kind->last != segment.last)) return false;
  if (read || (segment.operation == Operation::write && segment.first)) {
    telemetry::Reth reth{};
    std::memcpy(&reth, arrival.frame.extension.data(), sizeof(reth));
    if (get_be(reth.virtual_address, 8) !=
            virtual_address(arrival.qp, segment, segments_.schedule().message_bytes) ||
        get_be(reth.rkey, 4) != rkey_of(arrival.qp) || get_be(reth.length, 4) != segment.bytes_left) {
      return false;
    }
  }
  if (arrival.frame.payload.size() != (read ? 0 : segment.bytes)) return false;
  if (!read && !matches_pattern(arrival.frame.payload, segment.key, segment.offset))
    requests_.count_payload_error();
  return true;
}

void Responder::receive(std::span<const std::byte> bytes) noexcept {
  const auto arrival = requests_.arrived(bytes);
  if (!arrival) return;
  const std::uint32_t index = arrival->qp;
  Qp& qp = qps_[index];
  const std::int64_t position = position_of(index, arrival->frame.psn, qp.expected);
  if (position < 0) {
    requests_.count_protocol_error();
    return;
  }
  const auto at = static_cast<std::uint64_t>(position);
  const Segment segment = segments_.segment(index, at);
  if (!right(*arrival, segment)) {
    requests_.count_protocol_error();
    return;
  }
  const bool read = segment.operation == Operation::read;
  if (at > qp.expected) {
    if (qp.nak == Nak::none) qp.nak = Nak::due;
  } else if (at == qp.expected) {
    qp.expected += read ? segments_.packets_left(at) : 1;
    qp.nak = Nak::none;
    qp.ack_due = qp.ack_due || (!read && arrival->frame.ack_request);
    if (!read) bytes_ += segment.bytes;
  } else if (!read) {
    qp.ack_due = qp.ack_due || arrival->frame.ack_request;
  } else if (at < qp.answered) {
    qp.answered = qp.restart = at;  // execute it again, and all that follows it
  }
  if (qp.ack_due || qp.nak == Nak::due || qp.answered < qp.expected) ready_.push(index);
}

std::size_t Responder::poll(std::span<std::byte> buffer) noexcept {
  while (!ready_.empty()) {
    const std::uint32_t index = ready_.front();
    const std::size_t written = answer(qps_[index], index, buffer);
    if (written == 0) {
      ready_.pop();
      burst_ = 0;
      continue;
    }
    if (++burst_ == max_burst) {
      ready_.rotate();
      burst_ = 0;
    }
    return written;
  }
  return 0;
}

std::size_t Responder::answer(Qp& qp, std::uint32_t index, std::span<std::byte> buffer) noexcept {
  if (qp.answered < qp.expected) {
    const std::uint64_t read = segments_.first_read(index, qp.answered, qp.expected);
    if (read == qp.answered) return send_response(qp, index, buffer);
    qp.answered = read;
    // Before a READ response there is no need to acknowledge: it does so itself.
    if (read < qp.expected) return send_response(qp, index, buffer);
  }
  if (qp.ack_due) {
    qp.ack_due = false;
    return send_acknowledgement(qp, index, qp.answered - 1, telemetry::aeth_ack, buffer);
  }
  if (qp.nak == Nak::due) {
    qp.nak = Nak::sent;
    ++naks_;
    return send_acknowledgement(qp, index, qp.expected, telemetry::aeth_nak_sequence, buffer);
  }
  return 0;
}

std::size_t Responder::send_response(Qp& qp, std::uint32_t index, std::span<std::byte> buffer) noexcept {
  const std::uint64_t position = qp.answered++;
  const Segment segment = segments_.segment(index, position);
  const bool again = position < qp.high;
  if (again)
    ++retransmitted_;
  else
    bytes_ += segment.bytes;
  qp.high = std::max(qp.high, qp.answered);

  const bool first = segment.first || (again && position == qp.restart);
  Opcode opcode = Opcode::rc_read_response_middle;
  if (first)
    opcode = segment.last ? Opcode::rc_read_response_only : Opcode::rc_read_response_first;
  else if (segment.last)
    opcode = Opcode::rc_read_response_last;

  telemetry::Aeth aeth{.syndrome = telemetry::aeth_ack, .msn = {}};
  put_be(aeth.msn, 3, qp.expected / segments_.packets_per_message());
  FrameFields fields{.opcode = opcode, .psn = psn_of(index, position), .payload_bytes = segment.bytes};
  if (opcode != Opcode::rc_read_response_middle) fields.extension = std::as_bytes(std::span{&aeth, 1});
  return responses_.write(buffer, index, fields, [&segment](std::span<std::byte> payload) {
    fill_pattern(payload, segment.key, segment.offset);
  });
}

std::size_t Responder::send_acknowledgement(const Qp& qp, std::uint32_t index, std::uint64_t position,
                                            std::uint8_t syndrome, std::span<std::byte> buffer) noexcept {
  telemetry::Aeth aeth{.syndrome = syndrome, .msn = {}};
  put_be(aeth.msn, 3, qp.expected / segments_.packets_per_message());
  const FrameFields fields{.opcode = Opcode::rc_acknowledge,
                           .psn = psn_of(index, position),
                           .extension = std::as_bytes(std::span{&aeth, 1})};
  return responses_.write(buffer, index, fields, [](std::span<std::byte>) {});
}

}  // namespace braidway::bench::traffic
