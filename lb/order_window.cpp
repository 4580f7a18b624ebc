#include "lb/order_window.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

#include "lb/require.hpp"
#include "lb/sequence.hpp"

namespace braidway::lb {
namespace {

constexpr std::size_t batch = 64;
/// Flows looked at again in one poll: what a worker's turn can bear (some 20 cycles each) without a pause.
constexpr std::size_t reconsidered_a_poll = 64;
constexpr std::uint32_t epoch_mask = 0xf;
constexpr unsigned epoch_shift = 1;

OrderWindow::Parameters checked(const OrderWindow::Parameters& p) {
  const Requirements require{"OrderWindow"};
  require.within("flows", p.flows, 1, max_flows);
  require.within("packets", p.packets, 1, HeldPackets::max_packets - 1);
  require.within("bytes", p.bytes, 1, std::numeric_limits<std::size_t>::max());
  require.within("timeout", p.timeout, Nanoseconds{1}, longest_silence);
  require.within("forget", p.forget, shortest_silence, longest_silence);
  require.at_most("timeout", p.timeout, "forget", p.forget);
  require.within("patience", p.patience, Nanoseconds{0}, longest_silence);
  require.at_most("patience", p.patience, "forget", p.forget);
  require.within("pause", p.pause, Nanoseconds{0}, longest_silence);
  require.within("sources", p.sources, 0, PathStanding::most);
  require.within("strands", p.strands, 0, PathStanding::most);
  return p;
}

}  // namespace

/// The caller's buffer, which has room for everything.
class OrderWindow::Output {
 public:
  explicit Output(std::span<Handle> out) noexcept : out_(out) {}

  void operator()(Handle handle) noexcept {
    assert(count_ < out_.size());
    out_[count_++] = handle;
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  std::span<Handle> out_;
  std::size_t count_ = 0;
};

// One packet more than the budget: it is held first and given up then, by the same rule as any other.
OrderWindow::OrderWindow(const Parameters& parameters)
    : parameters_(checked(parameters)),
      windows_(parameters.flows),
      held_(parameters.packets + 1),
      standing_(parameters.sources, parameters.strands) {}

std::uint32_t OrderWindow::incarnation_of(const Arrival& arrival) const noexcept {
  const std::uint32_t boot = standing_.boot(arrival.source);
  return std::uint32_t{value(arrival.source)} << 16 | boot << 8 |
         (arrival.epoch & epoch_mask) << epoch_shift | 1U;
}

std::size_t OrderWindow::push(std::span<const std::uint64_t> hashes, std::span<const FlowKey> keys,
                              std::span<const Arrival> arrivals, Nanoseconds now,
                              std::span<Handle> out) noexcept {
  Output output(out);
  const auto at = tick(now);
  std::uint64_t in_order = 0;
  for (std::size_t first = 0; first < arrivals.size(); first += batch) {
    const auto count = std::min(batch, arrivals.size() - first);
    std::array<Window*, batch> windows;
    windows_.find_or_insert(hashes.subspan(first, count), keys.subspan(first, count), Window{},
                            std::span{windows}.first(count));
    // How far the paths have got is asked only of what is held.
    if (held_.packets() != 0) {
      for (const auto& arrival : arrivals.subspan(first, count)) {
        standing_.hear(standing_.source(arrival.source), arrival.path, arrival.departure, now);
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      const auto& arrival = arrivals[first + i];
      auto* window = windows[i];
      if (window == nullptr) {
        ++counters_.no_window;
        output(arrival.handle);
      } else if (window->next == arrival.sequence && window->held == HeldFlowId{} &&
                 window->incarnation == incarnation_of(arrival) &&
                 elapsed(window->last_seen, at) < parameters_.forget) [[likely]] {
        window->last_seen = at;
        ++window->next;
        ++in_order;
        output(arrival.handle);
      } else {
        take(arrival, *window, now, output);
      }
    }
  }
  counters_.in_order += in_order;
  return output.count();
}

/// Any packet, whatever the state of its flow.
void OrderWindow::take(const Arrival& arrival, Window& window, Nanoseconds now, Output& out) noexcept {
  if (!begin(arrival, window, now, out)) {
    late(arrival, window, out);
    return;
  }
  window.last_seen = tick(now);
  const auto ahead = distance(window.next, arrival.sequence);
  if (ahead < 0) {
    late(arrival, window, out);
    return;
  }
  if (ahead == 0) {
    ++counters_.in_order;
    ++window.next;
    out(arrival.handle);
    hand_on(window, now, out);
  } else {
    hold(arrival, window, now);
  }
  decide(window, now, out);
  keep_budgets(now, out);
}

/// Begins the packet's incarnation of its flow if it is a new one. False if the packet is of an old epoch.
bool OrderWindow::begin(const Arrival& arrival, Window& window, Nanoseconds now, Output& out) noexcept {
  const auto incarnation = incarnation_of(arrival);
  const auto differs = window.incarnation ^ incarnation;
  const bool forgotten = elapsed(window.last_seen, tick(now)) >= parameters_.forget;
  if (differs == 0 && !forgotten) return true;

  constexpr auto epoch_bits = epoch_mask << epoch_shift;
  if (!forgotten && (differs & ~epoch_bits) == 0) {
    const auto newer = ((incarnation - window.incarnation) & epoch_bits) >> epoch_shift;
    if (newer > epoch_mask / 2) return false;
    ++counters_.epoch_changes;
  } else if (window.incarnation != 0) {
    ++counters_.restarts;
  }
  flush(window, now, out);
  window = {.incarnation = incarnation};
  // No source sends half of all numbers before the first one comes: we were not there.
  if (distance(0, arrival.sequence) < 0) {
    window.next = arrival.sequence;
    ++counters_.joined;
  }
  return true;
}

void OrderWindow::hold(const Arrival& arrival, Window& window, Nanoseconds now) noexcept {
  const auto source = standing_.source(arrival.source);
  if (window.held == HeldFlowId{}) window.held = held_.open(&window, source);
  const HeldPacket packet{.handle = arrival.handle,
                          .sequence = arrival.sequence,
                          .bytes = arrival.bytes,
                          .path = arrival.path,
                          .departure = arrival.departure};
  ++counters_.held;
  if (held_.hold(window.held, packet, arrival.spray_set, now, parameters_.timeout)) return;
  overtaken(arrival);
}

void OrderWindow::overtaken(const Arrival& arrival) noexcept {
  ++counters_.fifo_violations;
  standing_.set_reordered(standing_.source(arrival.source), arrival.path);
  if (news_ != nullptr) news_->overtaken(arrival.source, arrival.path);
}

void OrderWindow::late(const Arrival& arrival, const Window& window, Output& out) noexcept {
  ++counters_.late;
  out(arrival.handle);
  if (news_ != nullptr) news_->late(arrival.source, arrival.path);
  // Every path had delivered something higher, this one too.
  if (window.incarnation == incarnation_of(arrival) && distance(window.lost_begin, arrival.sequence) >= 0 &&
      before(arrival.sequence, window.lost_end)) {
    overtaken(arrival);
  }
}

void OrderWindow::keep_budgets(Nanoseconds now, Output& out) noexcept {
  while (held_.packets() > parameters_.packets) give_up_oldest(counters_.gaps_by_packet_budget, now, out);
  while (held_.bytes() > parameters_.bytes) give_up_oldest(counters_.gaps_by_byte_budget, now, out);
  counters_.peak_bytes = std::max<std::uint64_t>(counters_.peak_bytes, held_.bytes());
  counters_.peak_packets = std::max<std::uint64_t>(counters_.peak_packets, held_.packets());
}

/// Has every path that may still bring what is missing delivered something that was sent after it?
OrderWindow::Passed OrderWindow::passed_by_all_paths(HeldFlowId flow, Nanoseconds now) const noexcept {
  const auto source = held_.source(flow);
  if (source == SourceIndex{}) return Passed::no;
  auto passed = Passed::yes;
  const bool all = held_.all_paths(flow, [&](PathId path, bool delivered_higher) {
    if (standing_.dead(source, path)) {
      passed = Passed::but_for_dead_paths;
      return true;
    }
    return standing_.fifo(source, path) &&
           (delivered_higher ||
            standing_.passed(source, path, held_.packet(held_.lowest(flow)).departure, now));
  });
  return all ? passed : Passed::no;
}

/// Gives up what every path has passed. What a dead path still brings when it lives again (it was paused) has
/// not been overtaken on it.
void OrderWindow::decide(Window& window, Nanoseconds now, Output& out) noexcept {
  while (window.held != HeldFlowId{}) {
    const auto passed = passed_by_all_paths(window.held, now);
    if (passed == Passed::no) return;
    const auto end = held_.packet(held_.lowest(window.held)).sequence;
    window.lost_begin = passed == Passed::yes ? window.next : end;
    window.lost_end = end;
    ++counters_.gaps_by_watermark;
    give_up_gap(window, now, out);
  }
}

/// Goes on behind the gap, of a flow that holds something.
void OrderWindow::give_up_gap(Window& window, Nanoseconds now, Output& out) noexcept {
  window.next = held_.packet(held_.lowest(window.held)).sequence;
  hand_on(window, now, out);
}

/// Whether the packet may wait for another time-out, since what is missing before it may be on a slow path.
bool OrderWindow::may_wait(HeldPackets::Index index, Nanoseconds now) const noexcept {
  if (value(now) + value(parameters_.timeout) > value(held_.arrival(index)) + value(parameters_.patience)) {
    return false;
  }
  const auto flow = held_.flow_of(index);
  const auto source = held_.source(flow);
  if (source == SourceIndex{}) return false;
  const auto& shows_gap = held_.packet(held_.lowest(flow)).departure;
  // When the time-out is over, a path that fell silent when the gap showed has not been heard for longer than
  // half of it, and one that is not slow has brought what left that much later.
  const Nanoseconds half{value(parameters_.timeout) / 2};
  const auto silence = standing_.congested(source, now, parameters_.patience) ? parameters_.pause : half;
  bool slow = false;
  held_.all_paths(flow, [&](PathId path, bool delivered_higher) {
    slow = !delivered_higher && !standing_.dead(source, path) &&
           standing_.heard(source, path, now, silence) && standing_.behind(source, path, shows_gap, half);
    return !slow;
  });
  return slow;
}

/// Gives up as many gaps as stand before the packet held longest.
void OrderWindow::give_up_oldest(std::uint64_t& cause, Nanoseconds now, Output& out) noexcept {
  const auto oldest = held_.oldest();
  auto& window = *static_cast<Window*>(held_.owner(held_.flow_of(oldest)));
  do {
    ++cause;
    give_up_gap(window, now, out);
  } while (held_.oldest() == oldest);
}

/// Hands on the lowest packet of a flow, of which it must hold one.
void OrderWindow::release(const Window& window, HeldPackets::Index lowest, Nanoseconds now,
                          Output& out) noexcept {
  const Nanoseconds arrival = held_.arrival(lowest);
  const HeldPacket packet = held_.take(window.held, lowest);
  out(packet.handle);
  if (news_ != nullptr) {
    news_->held(source_of(window), packet.path, Nanoseconds{value(now) - value(arrival)});
  }
}

/// All that is held in sequence from `next` on.
void OrderWindow::hand_on(Window& window, Nanoseconds now, Output& out) noexcept {
  if (window.held == HeldFlowId{}) return;
  while (!held_.empty(window.held)) {
    const auto lowest = held_.lowest(window.held);
    const auto ahead = distance(window.next, held_.packet(lowest).sequence);
    if (ahead > 0) return;
    if (ahead == 0) {
      ++window.next;
    } else {
      ++counters_.repeated;
      if (news_ != nullptr) news_->repeated(source_of(window), held_.packet(lowest).path);
    }
    release(window, lowest, now, out);
  }
  held_.close(window.held);
  window.held = {};
}

/// All that is held, in order, whatever is missing.
void OrderWindow::flush(Window& window, Nanoseconds now, Output& out) noexcept {
  if (window.held == HeldFlowId{}) return;
  while (!held_.empty(window.held)) {
    ++counters_.flushed;
    release(window, held_.lowest(window.held), now, out);
  }
  held_.close(window.held);
  window.held = {};
}

std::size_t OrderWindow::poll(Nanoseconds now, std::span<Handle> out) noexcept {
  Output output(out);
  while (held_.oldest() != HeldPackets::none &&
         value(now) - value(held_.since(held_.oldest())) >= value(parameters_.timeout)) {
    if (may_wait(held_.oldest(), now)) {
      ++counters_.put_off;
      held_.put_off(held_.oldest(), now);
    } else {
      give_up_oldest(counters_.gaps_by_timer, now, output);
    }
  }
  reconsider(now, output);
  const auto at = tick(now);
  windows_.sweep(now, parameters_.forget, [&](const Window& window) {
    return window.held == HeldFlowId{} && elapsed(window.last_seen, at) >= parameters_.forget;
  });
  return output.count();
}

/// Looks at flows that hold something again, since something beside their own packets is news to them.
void OrderWindow::reconsider(Nanoseconds now, Output& out) noexcept {
  to_reconsider_ = std::min(to_reconsider_, held_.flows());
  const auto count = std::min(to_reconsider_, reconsidered_a_poll);
  to_reconsider_ -= count;
  for (std::size_t i = 0; i < count; ++i) {
    const auto flow = held_.next_flow();
    auto& window = *static_cast<Window*>(held_.owner(flow));
    const auto boot = standing_.boot(source_of(window));
    if ((window.incarnation >> 8 & 0xffU) != boot) {
      flush(window, now, out);
    } else {
      decide(window, now, out);
    }
  }
}

void OrderWindow::path_down(GatewayId source, PathId path) noexcept {
  standing_.set_dead(standing_.source(source), path);
  to_reconsider_ = held_.flows();
}

void OrderWindow::path_up(GatewayId source, PathId path) noexcept {
  standing_.set_live(standing_.source(source), path);
  to_reconsider_ = held_.flows();
}

void OrderWindow::flush_source(GatewayId source) noexcept {
  standing_.restart(source);
  to_reconsider_ = held_.flows();
}

bool OrderWindow::declare_strand(GatewayId source, PathId path) noexcept {
  return standing_.declare_strand(standing_.source(source), path);
}

void OrderWindow::observe(GatewayId source, PathId path, const Departure& departure,
                          Nanoseconds now) noexcept {
  const auto index = standing_.source(source);
  standing_.hear(index, path, departure, now);
  if (standing_.observe(index, path, departure, now)) to_reconsider_ = held_.flows();
}

}  // namespace braidway::lb
