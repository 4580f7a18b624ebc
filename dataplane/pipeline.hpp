// The packet's way. Read this first.
//
// Each way is one list of stages; each stage is one file in stages/. From these lists come the loop that a
// worker runs, the counters and cycles of each stage, the names of all drops, and the drawing (`braidway
// pipeline --dot`).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <rte_cycles.h>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/lane_context.hpp"
#include "dataplane/stages/adopt.hpp"
#include "dataplane/stages/await.hpp"
#include "dataplane/stages/classify.hpp"
#include "dataplane/stages/compose.hpp"
#include "dataplane/stages/handoff.hpp"
#include "dataplane/stages/heed.hpp"
#include "dataplane/stages/measure.hpp"
#include "dataplane/stages/order.hpp"
#include "dataplane/stages/parse.hpp"
#include "dataplane/stages/receive.hpp"
#include "dataplane/stages/release.hpp"
#include "dataplane/stages/stamp.hpp"
#include "dataplane/stages/steer.hpp"
#include "dataplane/stages/strip.hpp"
#include "dataplane/stages/trace.hpp"
#include "dataplane/stages/transmit.hpp"
#include "dataplane/stages/untrace.hpp"
#include "dataplane/stages/vary.hpp"

namespace braidway::dataplane {

template <typename... Stages>
struct Way {
  using List = std::tuple<Stages...>;
  using First = std::tuple_element_t<0, List>;
  using Entry = typename First::Entry;  ///< where the way begins: a receive queue or an inbox
  static constexpr std::size_t length = sizeof...(Stages);
};

// clang-format off
/// Host port to fabric port.
struct Source : Way<stages::Receive, stages::Parse, stages::Classify, stages::Handoff, stages::Steer, stages::Await, stages::Vary, stages::Stamp, stages::Trace, stages::Transmit> {
  static constexpr std::string_view name = "source";
};
/// Fabric port to host port.
struct Sink : Way<stages::Receive, stages::Parse, stages::Untrace, stages::Classify, stages::Handoff, stages::Heed, stages::Measure, stages::Strip, stages::Order, stages::Transmit> {
  static constexpr std::string_view name = "sink";
};
/// What another worker received for a flow of this lane, host to fabric.
struct SourceAdopted : Way<stages::Adopt, stages::Steer, stages::Await, stages::Vary, stages::Stamp, stages::Trace, stages::Transmit> {
  static constexpr std::string_view name = "source_adopted";
};
/// The same, fabric to host.
struct SinkAdopted : Way<stages::Adopt, stages::Heed, stages::Measure, stages::Strip, stages::Order, stages::Transmit> {
  static constexpr std::string_view name = "sink_adopted";
};
/// What was held back for the order of its flow, or did not fit the burst that set it free.
struct SinkReleased : Way<stages::Release, stages::Transmit> {
  static constexpr std::string_view name = "sink_released";
};
/// What this gateway says to the peer.
struct SourceMessages : Way<stages::Compose, stages::Transmit> {
  static constexpr std::string_view name = "source_messages";
};
// clang-format on

using Ways = std::tuple<Source, Sink, SourceAdopted, SinkAdopted, SinkReleased, SourceMessages>;
inline constexpr std::size_t way_count = std::tuple_size_v<Ways>;

/// Calls f.template operator()<Way, index of the way>() for every way, in the order of the list.
template <typename F>
constexpr void for_each_way(F&& f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (f.template operator()<std::tuple_element_t<I, Ways>, I>(), ...);
  }(std::make_index_sequence<way_count>{});
}

/// Calls f.template operator()<Stage, index in the way>() for every stage of a way.
template <typename W, typename F>
constexpr void for_each_stage(F&& f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (f.template operator()<std::tuple_element_t<I, typename W::List>, I>(), ...);
  }(std::make_index_sequence<W::length>{});
}

namespace detail {

template <typename Stage, typename List>
inline constexpr bool contains = false;
template <typename Stage, typename... Stages>
inline constexpr bool contains<Stage, std::tuple<Stages...>> = (std::is_same_v<Stage, Stages> || ...);

template <typename Kept, typename... Stages>
struct Unique {
  using Type = Kept;
};
template <typename... Kept, typename Stage, typename... Rest>
struct Unique<std::tuple<Kept...>, Stage, Rest...> {
  using Type = typename Unique<std::conditional_t<contains<Stage, std::tuple<Kept...>>, std::tuple<Kept...>,
                                                  std::tuple<Kept..., Stage>>,
                               Rest...>::Type;
};
template <typename List>
struct UniqueOf;
template <typename... Stages>
struct UniqueOf<std::tuple<Stages...>> {
  using Type = typename Unique<std::tuple<>, Stages...>::Type;
};

template <typename... W>
auto joined(std::tuple<W...>) -> decltype(std::tuple_cat(std::declval<typename W::List>()...));

template <typename Stage>
constexpr std::size_t drop_count() {
  if constexpr (Dropping<Stage>) {
    return Stage::drops.size();
  } else {
    return 0;
  }
}

}  // namespace detail

/// Every stage of any way, once.
using AllStages = typename detail::UniqueOf<decltype(detail::joined(std::declval<Ways>()))>::Type;

/// Where the drop counters of a stage begin among all drop counters.
template <typename Stage>
constexpr std::size_t drop_offset() {
  std::size_t offset = 0;
  bool found = false;
  [&]<typename... Stages>(std::type_identity<std::tuple<Stages...>>) {
    ((found = found || std::is_same_v<Stage, Stages>, offset += found ? 0 : detail::drop_count<Stages>()),
     ...);
  }(std::type_identity<AllStages>{});
  return offset;
}

inline constexpr std::size_t drop_total = []<typename... Stages>(std::type_identity<std::tuple<Stages...>>) {
  return (detail::drop_count<Stages>() + ...);
}(std::type_identity<AllStages>{});

struct DropName {
  std::string_view stage;
  std::string_view reason;
};

/// The name of each drop counter, in the counters' order.
inline constexpr std::array<DropName, drop_total> drop_names = [] {
  std::array<DropName, drop_total> names;
  std::size_t next = 0;
  auto add = [&]<typename Stage>(std::type_identity<Stage>) {
    if constexpr (Dropping<Stage>) {
      for (const auto reason : Stage::drops) {
        names[next++] = {Stage::name, reason};
      }
    }
  };
  [&]<typename... Stages>(std::type_identity<std::tuple<Stages...>>) {
    (add(std::type_identity<Stages>{}), ...);
  }(std::type_identity<AllStages>{});
  return names;
}();

static_assert(
    [] {
      for (std::size_t i = 0; i < drop_total; ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          if (drop_names[i].reason == drop_names[j].reason) {
            return false;
          }
        }
      }
      return true;
    }(),
    "a drop reason has one name, and a name one reason");

struct StageCounters {
  telemetry::Counter packets;        ///< that entered the stage; for a first stage: that it took in
  telemetry::Counter timed_packets;  ///< of these, the packets of bursts that were timed
  telemetry::Counter cycles;         ///< TSC cycles of the timed bursts
};

inline constexpr std::size_t longest_way = [] {
  std::size_t most = 0;
  for_each_way([&]<typename W, std::size_t>() { most = std::max(most, W::length); });
  return most;
}();

/// All that one worker counts. Owner: that worker; read by anybody.
struct LaneCounters {
  std::array<std::array<StageCounters, longest_way>, way_count> stages;
  std::array<telemetry::Counter, drop_total> drops;
  telemetry::Counter turns;        ///< of the worker's loop
  telemetry::Counter busy_turns;   ///< that moved at least one packet
  telemetry::Counter idle_cycles;  ///< TSC cycles asleep (idle: sleep)
};

template <typename Stage>
Drops<Stage> drops_of(LaneCounters& counters) noexcept {
  return Drops<Stage>{counters.drops.data() + drop_offset<Stage>()};
}

/// Takes one burst all the way. Returns the number of packets taken in. With `timed`, cycles are read once
/// per stage; an empty poll costs cycles too, but they belong to no packet and are not counted.
template <typename W, std::size_t way_index>
std::uint16_t run_way(const typename W::Entry& from, Burst& burst, LaneContext& lane, LaneCounters& counters,
                      bool timed) noexcept {
  auto& stages = counters.stages[way_index];
  std::uint64_t then = timed ? rte_rdtsc() : 0;
  W::First::run(burst, from);
  const std::uint16_t taken = burst.count;
  if (taken == 0) {
    return 0;
  }
  auto finish = [&](std::size_t index, std::uint16_t packets) {
    stages[index].packets.add(packets);
    if (timed) {
      const std::uint64_t now = rte_rdtsc();
      stages[index].timed_packets.add(packets);
      stages[index].cycles.add(now - then);
      then = now;
    }
  };
  finish(0, taken);
  for_each_stage<W>([&]<typename Stage, std::size_t index>() {
    if constexpr (index > 0) {
      const std::uint16_t entered = burst.count;
      if constexpr (Dropping<Stage>) {
        Stage::run(burst, lane, drops_of<Stage>(counters));
      } else {
        Stage::run(burst, lane);
      }
      burst.close_gaps();
      finish(index, entered);
    }
  });
  return taken;
}

}  // namespace braidway::dataplane
