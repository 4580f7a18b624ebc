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
    case Opcode::rc_fetch_add:
      return Kind{Operation::atomic, true, true};
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
  const bool answered = has_response(segment.operation);
  if (!answered && (kind->first != segment.first || kind->last != segment.last)) return false;
  if (segment.operation == Operation::atomic) {
    telemetry::AtomicEth atomic{};
    std::memcpy(&atomic, arrival.frame.extension.data(), sizeof(atomic));
    if (get_be(atomic.virtual_address, 8) != virtual_address(arrival.qp, segment, 0) ||
        get_be(atomic.rkey, 4) != rkey_of(arrival.qp) || get_be(atomic.swap_or_add, 8) != 1) {
      return false;
    }
  }
  if (read || (segment.operation == Operation::write && segment.first)) {
    telemetry::Reth reth{};
    std::memcpy(&reth, arrival.frame.extension.data(), sizeof(reth));
    if (get_be(reth.virtual_address, 8) !=
            virtual_address(arrival.qp, segment, segments_.schedule().message_bytes) ||
        get_be(reth.rkey, 4) != rkey_of(arrival.qp) || get_be(reth.length, 4) != segment.bytes_left) {
      return false;
    }
  }
  if (arrival.frame.payload.size() != (answered ? 0 : segment.bytes)) return false;
  if (!answered && !matches_pattern(arrival.frame.payload, segment.key, segment.offset))
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
  const bool answered = has_response(segment.operation);
  if (at > qp.expected) {
    if (qp.nak == Nak::none) qp.nak = Nak::due;
  } else if (at == qp.expected) {
    qp.expected += segments_.psns_of_request(index, at);
    qp.nak = Nak::none;
    qp.ack_due = qp.ack_due || (!answered && arrival->frame.ack_request);
    if (!answered) bytes_ += segment.bytes;
    if (segment.operation == Operation::atomic) ++qp.number;
  } else if (!answered) {
    qp.ack_due = qp.ack_due || arrival->frame.ack_request;
  } else if (at < qp.answered) {
    // A READ is executed again, an atomic answered by what it found, and so is all that follows.
    qp.answered = qp.restart = at;
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
    // Before a response there is no need to acknowledge: it does so itself.
    qp.answered = segments_.first_response(index, qp.answered, qp.expected);
    if (qp.answered < qp.expected) return send_response(qp, index, buffer);
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
  qp.high = std::max(qp.high, qp.answered);
  if (again) ++retransmitted_;
  if (segment.operation == Operation::atomic) return send_atomic_response(qp, index, position, buffer);
  if (!again) bytes_ += segment.bytes;

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

std::size_t Responder::send_atomic_response(const Qp& qp, std::uint32_t index, std::uint64_t position,
                                            std::span<std::byte> buffer) noexcept {
  struct {
    telemetry::Aeth aeth;
    telemetry::AtomicAckEth atomic;
  } answer{.aeth = {.syndrome = telemetry::aeth_ack, .msn = {}}, .atomic = {}};
  put_be(answer.aeth.msn, 3, qp.expected / segments_.packets_per_message());
  // Of what has been done, less what was done since.
  const std::uint64_t since =
      segments_.atomics_before(index, qp.expected) - segments_.atomics_before(index, position);
  put_be(answer.atomic.original_data, 8, qp.number - since);
  const FrameFields fields{.opcode = Opcode::rc_atomic_acknowledge,
                           .psn = psn_of(index, position),
                           .extension = std::as_bytes(std::span{&answer, 1})};
  return responses_.write(buffer, index, fields, [](std::span<std::byte>) {});
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
