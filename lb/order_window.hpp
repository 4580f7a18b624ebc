// The sink's order: hands the packets of each flow on in the sequence in which the source numbered them.
//
// A flow's numbers begin at 0 in each epoch. A packet that is next goes on at once; one that is ahead is held
// until what is missing before it has come or is given up. A gap is given up
//   - by watermark, when every path of the set that the source announced for the flow has delivered something
//     higher of the same flow: a path is first in, first out within a flow (whose packets are of one
//     priority, as RNICs send them), so what is missing is lost. A path known dead is not waited for. A path
//     that was seen to reorder proves nothing any more, and its gaps are the timer's. On a strand declared
//     FIFO a packet of any flow counts that left the same lane and priority strictly after a packet behind
//     the gap;
//   - by timer, when the packet held longest behind it has waited for `timeout`. A gap's time runs from the
//     first packet that shows it, not from when the gap before it was closed. It is put off, up to
//     `patience`, while a path that may still bring what is missing is alive but slow: was heard in the last
//     half of `timeout`, or in `pause` if the receiver's congestion has its other paths paused as well,
//     and has brought nothing that left after what shows the gap. (What PFC pauses is not lost, and whoever
//     takes it for lost has the RNICs send it all again: an incast of 32 hosts took 3.2 times its bound so,
//     and 1.3 with patience.) So no packet is held longer than `patience`, however many gaps there are, nor
//     longer than `timeout` where departures are not told, and the timer is the budget in time too;
//   - by budget, when more is held than packets or bytes allow: then what the timer would give up first goes,
//     behind whatever is held before it in its flow.
// What comes after its gap was given up, or again, is handed on at once. A repeat of a packet that is still
// held waits with it: ahead of its place, it would be the very disorder that a host must not see.
//
// A new epoch, another source gateway and a source's new boot are new incarnations of a flow: what is held of
// the old one goes on first, in order. Packets of an old epoch are late ones. A flow silent for `forget` is
// forgotten. Nothing is ever withheld, invented or dropped: each handle that comes in goes out once.
//
// Owner: one worker, which pushes what came through one receive queue. Time is an argument and never goes
// back. All memory at construction: about 100 bytes a flow, 330 a held packet, and see path_standing.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lb/flow_key.hpp"
#include "lb/flow_map.hpp"
#include "lb/held_packets.hpp"
#include "lb/order_news.hpp"
#include "lb/path_standing.hpp"
#include "lb/spray_set.hpp"
#include "lb/tick.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

/// A packet with an order tag, as it comes in.
struct Arrival {
  Handle handle = nullptr;
  /// What the source announced for this flow; read during the call only. nullptr if that is not known: then
  /// every gap is the timer's.
  const SpraySet* spray_set = nullptr;
  std::uint32_t sequence = 0;
  std::uint32_t bytes = 0;  ///< of memory, for the budget
  GatewayId source{};
  PathId path{};           ///< numbered by the source
  std::uint8_t epoch = 0;  ///< modulo 16
  Departure departure{};
};

/// Since construction. Arrivals = in_order + held + late + no_window; held = handed on after all + still
/// held.
struct OrderCounters {
  std::uint64_t in_order = 0;   ///< packets handed on at once, being next
  std::uint64_t held = 0;       ///< packets put aside, being ahead
  std::uint64_t late = 0;       ///< packets handed on at once, being behind: after their gap, or again
  std::uint64_t no_window = 0;  ///< packets handed on at once, there being no room for their flow
  std::uint64_t repeated = 0;   ///< of `held`: packets whose like was held as well
  std::uint64_t flushed = 0;    ///< of `held`: packets handed on because a new incarnation began
  std::uint64_t gaps_by_watermark = 0;  ///< gaps given up because every path had passed them
  std::uint64_t gaps_by_timer = 0;      ///< gaps given up after `timeout`
  std::uint64_t gaps_by_packet_budget = 0;
  std::uint64_t gaps_by_byte_budget = 0;
  std::uint64_t put_off = 0;          ///< times that a held packet's timer was, for a path that is slow
  std::uint64_t epoch_changes = 0;    ///< new epochs of known flows
  std::uint64_t restarts = 0;         ///< flows begun anew: another source or boot, or after silence
  std::uint64_t joined = 0;           ///< flows first seen so late in their numbering that it was begun there
  std::uint64_t fifo_violations = 0;  ///< packets that came after a later one of their flow and path
  std::uint64_t peak_bytes = 0;       ///< most that was held between two packets
  std::uint64_t peak_packets = 0;
};

class OrderWindow {
 public:
  struct Parameters {
    /// Flows that have a window; others are handed on as they come. A worker's share of a rack: 64 hosts,
    /// 1,000 queue pairs each.
    std::size_t flows = 65'536;
    /// Packets held at most: 2.5 MB of packets of 300 bytes, mean of data and ACKs.
    std::size_t packets = 8'192;
    /// Bytes held at most: 200 us of skew and slack at 100 Gbit/s.
    std::size_t bytes = 2'500'000;
    /// How long a gap is waited for: above the skew between paths of a fabric (tens of us), and far below the
    /// RNICs' retransmission time-out (1 ms and more), so that a loss is the host's to see, not a stall's.
    Nanoseconds timeout{150'000};
    /// How long it is waited for on paths that are alive but slow: longer than the 720 us that a switch of 9
    /// MB takes to drain through one port, and below the RNICs' time-out too. No more than `timeout`: never
    /// longer.
    Nanoseconds patience{1'000'000};
    /// Silence that a pause may be taken for while all paths are late: what such a switch takes to drain. The
    /// shorter, the sooner a path that dies in an incast is not waited for; 600 us make an incast at 2:1
    /// longer by half a percent.
    Nanoseconds pause{700'000};
    /// Silence after which a flow is forgotten: above the 0.5 s after which its source begins a new epoch,
    /// and below the 2 s after which its source forgets which epoch that was.
    Nanoseconds forget{1'000'000'000};
    /// Source gateways whose paths are known one by one; to further ones all gaps are the timer's.
    std::size_t sources = 64;
    /// Paths that can be declared FIFO strands.
    std::size_t strands = 64;
  };

  /// Throws std::invalid_argument for what it cannot work with.
  explicit OrderWindow(const Parameters& parameters);

  /// Takes a burst in and writes what may be handed on to `out`, in order; returns how many. keys[i] and
  /// hashes[i] = hash(keys[i], seed) are those of arrivals[i]. `out` has room for the burst and all that is
  /// held: see most_out().
  std::size_t push(std::span<const std::uint64_t> hashes, std::span<const FlowKey> keys,
                   std::span<const Arrival> arrivals, Nanoseconds now, std::span<Handle> out) noexcept;
  /// Hands on what has waited long enough, or need not wait after path_down(), flush_source() and observe();
  /// and forgets silent flows, a few a call. To be called each turn of the worker. `out` has room for all
  /// that is held.
  std::size_t poll(Nanoseconds now, std::span<Handle> out) noexcept;
  /// Room enough for whatever a burst of that many packets can release.
  [[nodiscard]] std::size_t most_out(std::size_t burst) const noexcept { return parameters_.packets + burst; }

  /// The path is dead: nothing is waited for on it. What waited for it alone is handed on by the next polls.
  void path_down(GatewayId source, PathId path) noexcept;
  /// The path is live again, and trusted to be FIFO.
  void path_up(GatewayId source, PathId path) noexcept;
  /// Most paths to this sink are late (Lateness::congested in path_delay.hpp): for `patience` from now on one
  /// of the source's that has been silent for up to `pause` is taken for paused.
  void congested(GatewayId source, Nanoseconds now) noexcept {
    standing_.set_congested(standing_.source(source), now);
  }
  /// The source has booted anew: all its flows begin anew. What is held of theirs is handed on by the next
  /// polls, and before anything of the same flow.
  void flush_source(GatewayId source) noexcept;

  /// The path keeps first in, first out between flows too. False if there are too many strands (or sources).
  bool declare_strand(GatewayId source, PathId path) noexcept;
  /// A packet of any flow or a probe has come over the path: evidence for all flows of its lane and priority,
  /// used by the next polls. The last one of a burst by lane and priority is enough. Without effect but on a
  /// declared strand.
  void observe(GatewayId source, PathId path, const Departure& departure, Nanoseconds now) noexcept;

  /// `news` is told of what is not in order from now on; nullptr: nobody. Outlives the window.
  void tell(OrderNews* news) noexcept { news_ = news; }
  [[nodiscard]] const OrderCounters& counters() const noexcept { return counters_; }
  /// Overtakings seen on a path.
  [[nodiscard]] std::uint32_t fifo_violations(GatewayId source, PathId path) noexcept {
    return standing_.violations(standing_.source(source), path);
  }
  [[nodiscard]] std::size_t flows() const noexcept { return windows_.size(); }
  [[nodiscard]] std::size_t held_packets() const noexcept { return held_.packets(); }
  [[nodiscard]] std::size_t held_bytes() const noexcept { return held_.bytes(); }

 private:
  /// One flow's.
  struct Window {
    std::uint32_t incarnation = 0;  ///< source (16), boot (8), epoch (4), 1: all of a new entry's are wrong
    std::uint32_t next = 0;         ///< the sequence to be handed on next
    Tick last_seen{};
    HeldFlowId held{};
    /// The gap last given up because every path had passed it, [lost_begin, lost_end): who comes from it was
    /// overtaken on its path.
    std::uint32_t lost_begin = 0;
    std::uint32_t lost_end = 0;
  };
  class Output;
  enum class Passed : std::uint8_t { no, yes, but_for_dead_paths };

  [[nodiscard]] std::uint32_t incarnation_of(const Arrival& arrival) const noexcept;
  static GatewayId source_of(const Window& window) noexcept {
    return GatewayId{static_cast<std::uint16_t>(window.incarnation >> 16)};
  }
  void take(const Arrival& arrival, Window& window, Nanoseconds now, Output& out) noexcept;
  bool begin(const Arrival& arrival, Window& window, Nanoseconds now, Output& out) noexcept;
  void hold(const Arrival& arrival, Window& window, Nanoseconds now) noexcept;
  void late(const Arrival& arrival, const Window& window, Output& out) noexcept;
  void overtaken(const Arrival& arrival) noexcept;
  void keep_budgets(Nanoseconds now, Output& out) noexcept;

  [[nodiscard]] Passed passed_by_all_paths(HeldFlowId flow, Nanoseconds now) const noexcept;
  void decide(Window& window, Nanoseconds now, Output& out) noexcept;
  void give_up_gap(Window& window, Nanoseconds now, Output& out) noexcept;
  [[nodiscard]] bool may_wait(HeldPackets::Index index, Nanoseconds now) const noexcept;
  void give_up_oldest(std::uint64_t& cause, Nanoseconds now, Output& out) noexcept;
  void release(const Window& window, HeldPackets::Index lowest, Nanoseconds now, Output& out) noexcept;
  void hand_on(Window& window, Nanoseconds now, Output& out) noexcept;
  void flush(Window& window, Nanoseconds now, Output& out) noexcept;
  void reconsider(Nanoseconds now, Output& out) noexcept;

  Parameters parameters_;
  FlowMap<Window> windows_;
  HeldPackets held_;
  PathStanding standing_;
  OrderCounters counters_;
  OrderNews* news_ = nullptr;
  std::size_t to_reconsider_ = 0;  ///< flows that hold something and have not been looked at since the news
};

}  // namespace braidway::lb
