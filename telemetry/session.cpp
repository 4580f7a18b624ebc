#include "telemetry/session.hpp"

#include <algorithm>

namespace braidway::telemetry {
namespace {

constexpr lb::Nanoseconds plus(lb::Nanoseconds a, lb::Nanoseconds b) noexcept {
  return lb::Nanoseconds{value(a) + value(b)};
}

constexpr std::uint64_t bit(std::uint64_t sequence) noexcept { return std::uint64_t{1} << (sequence % 64); }

}  // namespace

SequenceWindow::Place SequenceWindow::place(std::uint64_t sequence) const noexcept {
  if (sequence > newest_) return Place::fresh;
  if (newest_ - sequence >= span) return Place::too_old;
  return (taken_[sequence % span / 64] & bit(sequence)) != 0 ? Place::repeated : Place::fresh;
}

void SequenceWindow::take(std::uint64_t sequence) noexcept {
  if (sequence > newest_) {
    if (sequence - newest_ >= span) {
      taken_.fill(0);
    } else {
      for (std::uint64_t skipped = newest_ + 1; skipped != sequence; ++skipped) {
        taken_[skipped % span / 64] &= ~bit(skipped);
      }
    }
    newest_ = sequence;
  }
  taken_[sequence % span / 64] |= bit(sequence);
}

MessageHeader Session::header(const Sending& sending, BootId echo) noexcept {
  return {.sender = self_,
          .receiver = peer_,
          .sender_boot = boot_,
          .receiver_boot = echo,
          .sequence = ++sent_,
          .sent = sending.now,
          .generation = sending.generation,
          .path = sending.path,
          .lane = sending.lane,
          .blocked_strand = sending.blocked_strand};
}

Reception Session::receive(const Message& message, lb::Nanoseconds now) noexcept {
  const MessageHeader& header = message.header;
  if (header.sender == self_ && header.receiver == peer_) return {.verdict = own(header)};
  if (header.sender != peer_ || header.receiver != self_) return {.verdict = Verdict::other_pair};

  Retired* const earlier = retired(header.sender_boot);
  if (header.receiver_boot != boot_) {
    // A retired boot needs no answer, and leaves ours to whom it helps.
    if (earlier != nullptr) return {.verdict = Verdict::retired_boot};
    const bool answer = now >= next_answer_;
    if (answer) next_answer_ = plus(now, parameters_.between_answers);
    return {.verdict = Verdict::unknown_echo, .answer = answer};
  }
  if (earlier != nullptr) return {.verdict = hear_retired(*earlier, header.sequence, now)};

  Reception out{};
  if (header.sender_boot != peer_boot_) {
    out.first_contact = peer_boot_ == unknown_boot;
    out.restarted = !out.first_contact;
    if (out.restarted) {
      if (!silent(now)) return {.verdict = Verdict::second_boot};
      if (retired_count_ == most_retired) {
        needs_new_life_ = true;
        return {.verdict = Verdict::no_room};
      }
      retired_[retired_count_++] = {.boot = peer_boot_, .newest = window_.newest()};
    }
    forget_peer();
    peer_boot_ = header.sender_boot;
  }
  take(message, now, out);
  return out;
}

/// Of what we have sent ourselves: whether it is under way still. Older than the window it may be anything.
Verdict Session::own(const MessageHeader& header) const noexcept {
  if (header.sender_boot == boot_) {
    const bool is_recent = header.sequence <= sent_ && sent_ - header.sequence < SequenceWindow::span;
    return is_recent ? Verdict::own_message : Verdict::too_old;
  }
  return header.sender_boot == boot_before_ ? Verdict::too_old : Verdict::own_id;
}

bool Session::silent(lb::Nanoseconds now) const noexcept {
  return now >= plus(heard_at_, parameters_.silence);
}

Session::Retired* Session::retired(BootId boot) noexcept {
  const auto end = retired_.begin() + static_cast<std::ptrdiff_t>(retired_count_);
  const auto found = std::find_if(retired_.begin(), end, [boot](const Retired& r) { return r.boot == boot; });
  return found == end ? nullptr : &*found;
}

/// What goes on in its numbers was not sent before its successor's first message, or was held back till now.
Verdict Session::hear_retired(Retired& retired, std::uint64_t sequence, lb::Nanoseconds now) noexcept {
  if (sequence <= retired.newest) return Verdict::retired_boot;
  retired.newest = sequence;
  if (silent(now)) needs_new_life_ = true;
  return Verdict::second_boot;
}

void Session::forget_peer() noexcept {
  peer_boot_ = unknown_boot;
  window_ = {};
  generation_ = 0;
  capabilities_ = 0;
  paths_ = {};
}

void Session::take(const Message& message, lb::Nanoseconds now, Reception& out) noexcept {
  const MessageHeader& header = message.header;
  const auto place = window_.place(header.sequence);
  if (place != SequenceWindow::Place::fresh) {
    out.verdict = place == SequenceWindow::Place::repeated ? Verdict::repeated : Verdict::too_old;
    return;
  }
  out.verdict = Verdict::counts;
  heard_at_ = now;
  // What an overtaken message says is no news.
  if (header.sequence > window_.newest()) {
    out.paths_changed = out.first_contact || out.restarted || header.generation != generation_;
    generation_ = header.generation;
    if (message.type == MessageType::feedback) capabilities_ = message.capabilities;
  }
  window_.take(header.sequence);
  Path& path = paths_[value(header.path)];
  if (header.sequence > path.newest) {
    path.newest = header.sequence;
    out.block_changed = header.blocked_strand != path.blocked;
    path.blocked = header.blocked_strand;
  }
}

bool Session::wants_new_life(lb::Nanoseconds now) const noexcept {
  return needs_new_life_ && now >= plus(born_, parameters_.life);
}

void Session::begin_life(BootId fresh, lb::Nanoseconds now) noexcept {
  boot_before_ = boot_;
  boot_ = fresh;
  sent_ = 0;
  born_ = now;
  needs_new_life_ = false;
  retired_count_ = 0;
  forget_peer();
}

}  // namespace braidway::telemetry
