#include "bench/wire/impairment.hpp"

#include <algorithm>

#include "bench/wire/frame_edit.hpp"

namespace braidway::bench::wire {
namespace {

constexpr std::uint64_t ns_per_second = 1'000'000'000;

/// Mean 0, standard deviation 1: the sum of twelve uniform 16-bit numbers (Irwin and Hall), without <cmath>,
/// whose results differ between machines. It never exceeds 6.
double normal(fabric::Random& random) noexcept {
  std::int64_t sum = 0;
  for (int word = 0; word < 3; ++word) {
    const std::uint64_t drawn = random.next();
    for (unsigned part = 0; part < 64; part += 16) sum += static_cast<std::int64_t>(drawn >> part & 0xffffU);
  }
  constexpr auto mean = std::int64_t{6} * 0xffff;
  return static_cast<double>(sum - mean) / 0x1p16;
}

}  // namespace

Impairment::Impairment(const Parameters& parameters, std::uint64_t seed, std::size_t capacity)
    : parameters_{parameters},
      capacity_{std::max<std::size_t>(capacity, 1)},
      random_{seed},
      queue_{capacity_},
      line_{capacity_},
      overtaking_{capacity_} {}

bool Impairment::chance(double share) noexcept { return share > 0 && random_.uniform() < share; }

std::optional<Drop> Impairment::refuse(Drop why) noexcept {
  ++counters_.drops[static_cast<std::size_t>(why)];
  return why;
}

std::optional<Drop> Impairment::push(const Frame& frame, lb::Nanoseconds now) noexcept {
  transmit_until(now);
  ++counters_.received;
  if (parameters_.cut) return refuse(Drop::cut);
  if (held() == capacity_) return refuse(Drop::line_full);
  const bool waits = !queue_.empty() || free_at_ > value(now);
  if (waits && queued_bytes_ + frame.bytes > parameters_.queue_bytes) return refuse(Drop::queue_full);

  const bool crowded = parameters_.ce_bytes > 0 && queued_bytes_ >= parameters_.ce_bytes;
  if ((crowded || chance(parameters_.ce)) && mark_ce({frame.data, frame.bytes})) ++counters_.marked;
  queue_.push({.frame = frame, .came = now});
  queued_bytes_ += frame.bytes;
  transmit_until(now);
  return std::nullopt;
}

/// Begins every transmission that begins by now, each at its own time: a late call makes nothing late.
void Impairment::transmit_until(lb::Nanoseconds now) noexcept {
  while (!queue_.empty()) {
    const std::int64_t begin = std::max(free_at_, value(queue_.front().came));
    if (begin > value(now)) return;
    const Waiting next = queue_.pop();
    queued_bytes_ -= next.frame.bytes;
    if (begin > free_at_) bit_remainder_ = 0;
    transmit(next.frame, begin);
  }
}

std::int64_t Impairment::transmission_ns(std::uint32_t bytes) noexcept {
  if (parameters_.rate_bps == 0) return 0;
  const std::uint64_t work = std::uint64_t{bytes} * 8 * ns_per_second + bit_remainder_;
  bit_remainder_ = work % parameters_.rate_bps;
  return static_cast<std::int64_t>(work / parameters_.rate_bps);
}

std::int64_t Impairment::drawn_delay() noexcept {
  const std::int64_t delay = value(parameters_.delay);
  const std::int64_t jitter = value(parameters_.jitter);
  if (jitter == 0) return delay;
  const double deviation =
      parameters_.distribution == Jitter::normal ? normal(random_) : random_.uniform() * 2 - 1;
  return std::max<std::int64_t>(0,
                                delay + static_cast<std::int64_t>(static_cast<double>(jitter) * deviation));
}

void Impairment::transmit(const Frame& frame, std::int64_t begin) noexcept {
  free_at_ = begin + transmission_ns(frame.bytes);
  OnLine on_line{.frame = frame, .departs = {}, .number = ++transmitted_, .lost = false, .twice = false};
  on_line.lost = chance(parameters_.loss);
  if (!on_line.lost) {
    if (chance(parameters_.corruption) && flip_payload_bit({frame.data, frame.bytes}, random_.next())) {
      ++counters_.corrupted;
    }
    on_line.twice = chance(parameters_.duplication);
  }
  if (chance(parameters_.reorder)) {
    ++counters_.reordered;
    on_line.departs = lb::Nanoseconds{free_at_};
    overtaking_.push(on_line);
    return;
  }
  last_departure_ = std::max(last_departure_, free_at_ + drawn_delay());
  on_line.departs = lb::Nanoseconds{last_departure_};
  line_.push(on_line);
}

/// The one of the two that has what comes out first; nullptr: both are empty.
FixedQueue<Impairment::OnLine>* Impairment::next_on_line() noexcept {
  if (overtaking_.empty()) return line_.empty() ? nullptr : &line_;
  if (line_.empty()) return &overtaking_;
  const OnLine& ordered = line_.front();
  const OnLine& overtaker = overtaking_.front();
  if (ordered.departs != overtaker.departs) {
    return ordered.departs < overtaker.departs ? &line_ : &overtaking_;
  }
  return ordered.number < overtaker.number ? &line_ : &overtaking_;
}

std::size_t Impairment::poll(lb::Nanoseconds now, std::span<Departure> out) noexcept {
  transmit_until(now);
  std::size_t count = 0;
  while (count < out.size()) {
    FixedQueue<OnLine>* const next = next_on_line();
    if (next == nullptr || next->front().departs > now) break;
    const OnLine frame = next->pop();
    Departure& departure = out[count++];
    departure = {.frame = frame.frame, .planned = frame.departs, .drop = {}, .twice = false};
    if (parameters_.cut || frame.lost) {
      departure.drop = refuse(parameters_.cut ? Drop::cut : Drop::lost);
      continue;
    }
    ++counters_.sent;
    departure.twice = frame.twice;
    if (frame.twice) ++counters_.duplicated;
  }
  return count;
}

std::optional<lb::Nanoseconds> Impairment::next_event() const noexcept {
  std::optional<lb::Nanoseconds> next;
  const auto consider = [&next](lb::Nanoseconds at) {
    if (!next || at < *next) next = at;
  };
  if (!queue_.empty()) consider(lb::Nanoseconds{free_at_});
  if (!line_.empty()) consider(line_.front().departs);
  if (!overtaking_.empty()) consider(overtaking_.front().departs);
  return next;
}

void Impairment::set(const Parameters& parameters, lb::Nanoseconds now) noexcept {
  transmit_until(now);
  parameters_ = parameters;
  bit_remainder_ = 0;
}

}  // namespace braidway::bench::wire
