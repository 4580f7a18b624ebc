#include "bench/traffic/requester.hpp"

#include <algorithm>
#include <utility>

#include "bench/traffic/wire.hpp"

namespace braidway::bench::traffic {
namespace {

using telemetry::Opcode;

/// Frames in a row of one QP: long enough to look like an RNIC, short enough that all QPs move.
constexpr std::uint32_t max_burst = 8;
/// What may be made up for after the thread was off its core: so many packets, or so many seconds' worth.
constexpr double token_burst = 32;
constexpr double token_burst_seconds = 0.05;
constexpr double nanoseconds_per_second = 1e9;

Opcode request_opcode(const Segment& segment) noexcept {
  if (segment.operation == Operation::read) return Opcode::rc_read_request;
  if (segment.operation == Operation::atomic) return Opcode::rc_fetch_add;
  const bool only = segment.first && segment.last;
  if (segment.operation == Operation::send) {
    if (only) return Opcode::rc_send_only;
    if (segment.first) return Opcode::rc_send_first;
    return segment.last ? Opcode::rc_send_last : Opcode::rc_send_middle;
  }
  if (only) return Opcode::rc_write_only;
  if (segment.first) return Opcode::rc_write_first;
  return segment.last ? Opcode::rc_write_last : Opcode::rc_write_middle;
}

}  // namespace

Requester::Requester(const Schedule& schedule, const Pace& pace, Channel& requests, Channel& responses)
    : segments_{schedule},
      pace_{pace},
      requests_{requests},
      responses_{responses},
      qps_(schedule.qps),
      ready_{schedule.qps},
      silent_{schedule.qps} {
  for (std::uint32_t index = 0; index < schedule.qps; ++index) ready_.push(index);
}

/// PSNs that the next request of this QP takes; 0 where it may not send.
std::uint64_t Requester::sendable(const Qp& qp, std::uint32_t index) const noexcept {
  const bool begins =
      qp.next >= qp.high && segments_.packets_left(qp.next) == segments_.packets_per_message();
  if (qp.silent || (stopping_ && begins)) return 0;
  const std::uint64_t psns = segments_.psns_of_request(index, qp.next);
  const std::uint64_t unacknowledged = qp.next - qp.unacknowledged;
  return unacknowledged == 0 || unacknowledged + psns <= pace_.window ? psns : 0;
}

std::size_t Requester::poll(lb::Nanoseconds now, std::span<std::byte> buffer) noexcept {
  if (pace_.packets_per_second > 0) {
    const double rate = pace_.packets_per_second;
    const std::int64_t since = std::exchange(refilled_at_, lb::value(now));
    const double fresh =
        since == 0 ? 1 : static_cast<double>(lb::value(now) - since) * rate / nanoseconds_per_second;
    tokens_ = std::min(std::max(token_burst, token_burst_seconds * rate), tokens_ + fresh);
    if (tokens_ < 1) return 0;
  }
  while (!ready_.empty()) {
    const std::uint32_t index = ready_.front();
    Qp& qp = qps_[index];
    const std::uint64_t psns = sendable(qp, index);
    if (psns == 0) {
      ready_.pop();
      burst_ = 0;
      continue;
    }
    if (in_flight_ != 0 && in_flight_ + psns > pace_.outstanding) return 0;
    if (qp.next == qp.unacknowledged) qp.progress_at = lb::value(now);
    if (pace_.packets_per_second > 0) tokens_ -= static_cast<double>(psns);
    return send(qp, index, psns, buffer);
  }
  return 0;
}

std::size_t Requester::send(Qp& qp, std::uint32_t index, std::uint64_t psns,
                            std::span<std::byte> buffer) noexcept {
  const std::uint64_t position = qp.next;
  const Segment segment = segments_.segment(index, position);
  const bool read = segment.operation == Operation::read;
  if (position < qp.high) ++retransmitted_;
  qp.next += psns;
  qp.high = std::max(qp.high, qp.next);
  in_flight_ += psns;

  const bool answered = has_response(segment.operation);
  const bool yields = ++burst_ == max_burst || read || segment.last;
  const bool full = qp.next - qp.unacknowledged >= pace_.window || in_flight_ >= pace_.outstanding;
  if (yields) {
    ready_.rotate();
    burst_ = 0;
  }

  FrameFields fields{.opcode = request_opcode(segment),
                     .psn = psn_of(index, position),
                     .ack_request = answered || yields || full};
  telemetry::Reth reth{};
  if (read || (segment.operation == Operation::write && segment.first)) {
    put_be(reth.virtual_address, 8, virtual_address(index, segment, segments_.schedule().message_bytes));
    put_be(reth.rkey, 4, rkey_of(index));
    put_be(reth.length, 4, segment.bytes_left);
    fields.extension = std::as_bytes(std::span{&reth, 1});
  }
  telemetry::AtomicEth atomic{};
  if (segment.operation == Operation::atomic) {
    put_be(atomic.virtual_address, 8, virtual_address(index, segment, 0));
    put_be(atomic.rkey, 4, rkey_of(index));
    put_be(atomic.swap_or_add, 8, 1);
    fields.extension = std::as_bytes(std::span{&atomic, 1});
  }
  fields.payload_bytes = answered ? 0 : segment.bytes;
  return requests_.write(buffer, index, fields, [&segment](std::span<std::byte> payload) {
    fill_pattern(payload, segment.key, segment.offset);
  });
}

void Requester::receive(lb::Nanoseconds now, std::span<const std::byte> bytes) noexcept {
  const auto arrival = responses_.arrived(bytes);
  if (!arrival) return;
  Qp& qp = qps_[arrival->qp];
  const std::int64_t position = position_of(arrival->qp, arrival->frame.psn, qp.unacknowledged);
  if (position < 0 || static_cast<std::uint64_t>(position) > qp.high) {
    responses_.count_protocol_error();
    return;
  }
  const auto at = static_cast<std::uint64_t>(position);
  switch (static_cast<Opcode>(arrival->frame.opcode)) {
    case Opcode::rc_acknowledge:
      take_acknowledgement(lb::value(now), qp, *arrival, at);
      break;
    case Opcode::rc_read_response_first:
    case Opcode::rc_read_response_middle:
    case Opcode::rc_read_response_last:
    case Opcode::rc_read_response_only:
      take_response(lb::value(now), qp, *arrival, at);
      break;
    case Opcode::rc_atomic_acknowledge:
      take_atomic_response(lb::value(now), qp, *arrival, at);
      break;
    default:
      responses_.count_protocol_error();
  }
}

/// The responder has completed at least the messages before `upto`, and no more than were ever sent.
bool Requester::plausible_msn(const Qp& qp, std::span<const std::byte> aeth,
                              std::uint64_t upto) const noexcept {
  const std::uint64_t done = qp.unacknowledged / segments_.packets_per_message();
  const std::uint64_t least = std::max(upto, qp.unacknowledged) / segments_.packets_per_message() - done;
  const std::uint64_t most = qp.high / segments_.packets_per_message() - done;
  const std::uint64_t msn = (get_be(aeth.data() + offsetof(telemetry::Aeth, msn), 3) - done) & psn_mask;
  return least <= msn && msn <= most;
}

void Requester::take_acknowledgement(std::int64_t now, Qp& qp, const Channel::Arrival& arrival,
                                     std::uint64_t at) noexcept {
  const auto syndrome = std::to_integer<std::uint8_t>(arrival.frame.extension[0]);
  const bool nak = syndrome == telemetry::aeth_nak_sequence;
  if (!nak && syndrome != telemetry::aeth_ack) {
    responses_.count_protocol_error();
    return;
  }
  const std::uint64_t upto = nak ? at : at + 1;
  if (upto < qp.unacknowledged || (nak && upto == qp.unacknowledged && qp.next == upto)) return;  // old news
  if (upto > qp.high || !plausible_msn(qp, arrival.frame.extension, upto)) {
    responses_.count_protocol_error();
    return;
  }
  acknowledge(now, qp, arrival.qp, upto);
  if (nak) go_back(now, qp, arrival.qp);
}

void Requester::take_response(std::int64_t now, Qp& qp, const Channel::Arrival& arrival,
                              std::uint64_t at) noexcept {
  const Segment segment = segments_.segment(arrival.qp, at);
  const auto opcode = static_cast<Opcode>(arrival.frame.opcode);
  const bool first = opcode == Opcode::rc_read_response_first || opcode == Opcode::rc_read_response_only;
  const bool last = opcode == Opcode::rc_read_response_last || opcode == Opcode::rc_read_response_only;
  // A READ that was asked for again from its middle on begins there.
  const bool begins = segment.first ? first : !first || at <= qp.restart;
  if (at == qp.high || segment.operation != Operation::read || !begins || last != segment.last) {
    responses_.count_protocol_error();
    return;
  }
  if (arrival.frame.payload.size() != segment.bytes ||
      !matches_pattern(arrival.frame.payload, segment.key, segment.offset)) {
    responses_.count_payload_error();
  }
  if (at < qp.unacknowledged) return;
  acknowledge(now, qp, arrival.qp, at);  // a response acknowledges what came before its request
  if (at == qp.unacknowledged) advance(now, qp, arrival.qp, at + 1);
}

/// What was there before must be what as many atomics as came before have made of it: each is done once.
void Requester::take_atomic_response(std::int64_t now, Qp& qp, const Channel::Arrival& arrival,
                                     std::uint64_t at) noexcept {
  const Segment segment = segments_.segment(arrival.qp, at);
  const std::uint64_t original = get_be(arrival.frame.extension.data() + sizeof(telemetry::Aeth), 8);
  if (at == qp.high || segment.operation != Operation::atomic ||
      original != segments_.atomics_before(arrival.qp, at)) {
    responses_.count_protocol_error();
    return;
  }
  if (at < qp.unacknowledged) return;
  acknowledge(now, qp, arrival.qp, at);
  if (at == qp.unacknowledged) advance(now, qp, arrival.qp, at + 1);
}

/// Everything before `upto` is acknowledged, unless its response has not come: that was lost, or has been
/// overtaken, which to an RNIC is the same.
void Requester::acknowledge(std::int64_t now, Qp& qp, std::uint32_t index, std::uint64_t upto) noexcept {
  if (upto <= qp.unacknowledged) return;
  const std::uint64_t missing = segments_.first_response(index, qp.unacknowledged, upto);
  if (missing > qp.unacknowledged) advance(now, qp, index, missing);
  if (missing == upto) return;
  if (!qp.silent) ++implied_naks_;
  go_back(now, qp, index);
}

void Requester::advance(std::int64_t now, Qp& qp, std::uint32_t index, std::uint64_t upto) noexcept {
  messages_ += upto / segments_.packets_per_message() - qp.unacknowledged / segments_.packets_per_message();
  in_flight_ -= std::min(upto, qp.next) - qp.unacknowledged;
  qp.unacknowledged = upto;
  qp.next = std::max(qp.next, upto);
  qp.progress_at = now;
  if (!qp.silent) ready_.push(index);
}

void Requester::go_back(std::int64_t now, Qp& qp, std::uint32_t index) noexcept {
  if (qp.silent) return;
  in_flight_ -= qp.next - qp.unacknowledged;
  qp.next = qp.unacknowledged;
  qp.restart = qp.unacknowledged;
  qp.silent = true;
  qp.silent_until = now + lb::value(pace_.settle);
  silent_.push(index);
}

void Requester::tick(lb::Nanoseconds now) noexcept {
  const std::int64_t time = lb::value(now);
  while (!silent_.empty() && qps_[silent_.front()].silent_until <= time) {
    const std::uint32_t index = silent_.front();
    silent_.pop();
    Qp& qp = qps_[index];
    qp.silent = false;
    qp.restart = qp.next;
    ready_.push(index);
  }
  // Each QP is looked at twice per time-out, a few at each tick.
  const std::int64_t timeout = lb::value(pace_.timeout);
  const double share = static_cast<double>(time - scanned_at_) / (static_cast<double>(timeout) / 2);
  const auto count = static_cast<std::size_t>(std::min(1.0, share) * static_cast<double>(qps_.size()));
  if (count == 0) return;
  scanned_at_ = time;
  for (std::size_t looked = 0; looked < count; ++looked) {
    Qp& qp = qps_[scan_next_];
    if (!qp.silent && qp.next != qp.unacknowledged && time - qp.progress_at > timeout) {
      ++timeouts_;
      go_back(time, qp, scan_next_);
    }
    if (++scan_next_ == qps_.size()) scan_next_ = 0;
  }
}

}  // namespace braidway::bench::traffic
