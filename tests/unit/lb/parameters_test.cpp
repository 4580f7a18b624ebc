// What the parts of the load balancer refuse to be made of, and in which words.
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "lb/flow_table.hpp"
#include "lb/held_packets.hpp"
#include "lb/order_window.hpp"
#include "lb/path_health.hpp"
#include "lb/path_standing.hpp"
#include "lb/path_table.hpp"
#include "lb/path_weights.hpp"
#include "lb/policy_governor.hpp"
#include "lb/spray.hpp"
#include "lb/steering.hpp"

namespace braidway::lb {
namespace {

/// What making it says; nothing if it does not refuse.
std::optional<std::string> refusal(const std::function<void()>& make) {
  try {
    make();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return std::nullopt;
}

constexpr auto nan = std::numeric_limits<float>::quiet_NaN();
constexpr auto infinity = std::numeric_limits<float>::infinity();
constexpr std::int64_t day = 86'400'000'000'000;

template <typename Part>
struct Case {
  std::string_view description;
  void (*change)(typename Part::Parameters& parameters);
  std::string_view words;
};

/// Each change alone to the defaults of a part is refused in these words, and the defaults are not.
template <typename Part, typename Make>
void expect_refusals(const std::vector<Case<Part>>& cases, Make make) {
  EXPECT_EQ(refusal([&] { make(typename Part::Parameters{}); }), std::nullopt);
  for (const Case<Part>& each : cases) {
    typename Part::Parameters parameters{};
    each.change(parameters);
    EXPECT_EQ(refusal([&] { make(parameters); }), each.words) << each.description;
  }
}

TEST(Parameters, OfAnOrderWindowAreRefusedByName) {
  using P = OrderWindow::Parameters;
  expect_refusals<OrderWindow>(
      {
          {"no flows", [](P& p) { p.flows = 0; }, "OrderWindow: flows = 0: must be 1 to 67108864"},
          {"too many", [](P& p) { p.flows = max_flows + 1; },
           "OrderWindow: flows = 67108865: must be 1 to 67108864"},
          {"no packets", [](P& p) { p.packets = 0; }, "OrderWindow: packets = 0: must be 1 to 4294967294"},
          {"a packet more than can be numbered", [](P& p) { p.packets = 0xffff'ffff; },
           "OrderWindow: packets = 4294967295: must be 1 to 4294967294"},
          {"no bytes", [](P& p) { p.bytes = 0; },
           "OrderWindow: bytes = 0: must be 1 to 18446744073709551615"},
          {"no time", [](P& p) { p.timeout = Nanoseconds{0}; },
           "OrderWindow: timeout = 0 ns: must be 1 ns to 1800000000000 ns"},
          {"longer than any silence that can be told", [](P& p) { p.timeout = Nanoseconds{day}; },
           "OrderWindow: timeout = 86400000000000 ns: must be 1 ns to 1800000000000 ns"},
          {"less silence than can be told", [](P& p) { p.forget = Nanoseconds{999}; },
           "OrderWindow: forget = 999 ns: must be 1000 ns to 1800000000000 ns"},
          {"negative", [](P& p) { p.forget = Nanoseconds{-1}; },
           "OrderWindow: forget = -1 ns: must be 1000 ns to 1800000000000 ns"},
          {"waits for what it has forgotten", [](P& p) { p.timeout = Nanoseconds{1'000'000'001}; },
           "OrderWindow: timeout = 1000000001 ns: must be at most forget = 1000000000 ns"},
          {"patience of less than nothing", [](P& p) { p.patience = Nanoseconds{-1}; },
           "OrderWindow: patience = -1 ns: must be 0 ns to 1800000000000 ns"},
          {"patience with what it has forgotten", [](P& p) { p.patience = Nanoseconds{1'000'000'001}; },
           "OrderWindow: patience = 1000000001 ns: must be at most forget = 1000000000 ns"},
          {"a pause of less than nothing", [](P& p) { p.pause = Nanoseconds{-1}; },
           "OrderWindow: pause = -1 ns: must be 0 ns to 1800000000000 ns"},
          {"too many sources", [](P& p) { p.sources = 65'536; },
           "OrderWindow: sources = 65536: must be 0 to 65535"},
          {"too many strands", [](P& p) { p.strands = 65'536; },
           "OrderWindow: strands = 65536: must be 0 to 65535"},
      },
      [](const P& p) { OrderWindow{p}; });
}

TEST(Parameters, OfPathHealthAreRefusedByName) {
  using P = PathHealth::Parameters;
  expect_refusals<PathHealth>(
      {
          {"suspect at once", [](P& p) { p.suspect_after = Nanoseconds{0}; },
           "PathHealth: suspect_after = 0 ns: must be 1 ns to 86400000000000 ns"},
          {"dead after more than a day", [](P& p) { p.dead_after = Nanoseconds{day + 1}; },
           "PathHealth: dead_after = 86400000000001 ns: must be 1 ns to 86400000000000 ns"},
          {"dead before it is suspect", [](P& p) { p.dead_after = p.suspect_after; },
           "PathHealth: dead_after = 200000 ns: must be above suspect_after = 200000 ns"},
          {"no turn", [](P& p) { p.longest_turn = Nanoseconds{-5}; },
           "PathHealth: longest_turn = -5 ns: must be 1 ns to 86400000000000 ns"},
          {"suspect after one turn", [](P& p) { p.longest_turn = Nanoseconds{200'001}; },
           "PathHealth: longest_turn = 200001 ns: must be at most suspect_after = 200000 ns"},
          {"less than a packet", [](P& p) { p.loss_memory = 0.5F; },
           "PathHealth: loss_memory = 0.5: must be 1 to 1e+09"},
          {"no number", [](P& p) { p.loss_memory = nan; },
           "PathHealth: loss_memory = nan: must be 1 to 1e+09"},
          {"more than all", [](P& p) { p.loss_share = 1.5F; },
           "PathHealth: loss_share = 1.5: must be 0 to 1"},
          {"no number", [](P& p) { p.loss_share = nan; }, "PathHealth: loss_share = nan: must be 0 to 1"},
          {"less than none", [](P& p) { p.loss_least = -1; },
           "PathHealth: loss_least = -1: must be 0 to 1e+09"},
          {"no number", [](P& p) { p.loss_least = nan; }, "PathHealth: loss_least = nan: must be 0 to 1e+09"},
          {"more lost than are remembered", [](P& p) { p.loss_least = 9'000; },
           "PathHealth: loss_least = 9000: must be at most loss_memory = 8000"},
          {"endless", [](P& p) { p.loss_outlying = infinity; },
           "PathHealth: loss_outlying = inf: must be 0 to 1e+06"},
          {"no number", [](P& p) { p.loss_outlying = nan; },
           "PathHealth: loss_outlying = nan: must be 0 to 1e+06"},
          {"not out at all", [](P& p) { p.lossy_for = Nanoseconds{0}; },
           "PathHealth: lossy_for = 0 ns: must be 1 ns to 86400000000000 ns"},
          {"out for longer than a day", [](P& p) { p.lossy_longest = Nanoseconds{2 * day}; },
           "PathHealth: lossy_longest = 172800000000000 ns: must be 1 ns to 86400000000000 ns"},
          {"longer at first than at most", [](P& p) { p.lossy_longest = Nanoseconds{99'999'999}; },
           "PathHealth: lossy_for = 100000000 ns: must be at most lossy_longest = 99999999 ns"},
      },
      [](const P& p) { PathHealth{2, p}; });
}

TEST(Parameters, OfPathWeightsAreRefusedByName) {
  using P = PathWeights::Parameters;
  expect_refusals<PathWeights>(
      {
          {"no time", [](P& p) { p.interval_ns = 0; }, "PathWeights: interval_ns = 0: must be 1 to 1e+09"},
          {"no number", [](P& p) { p.interval_ns = nan; },
           "PathWeights: interval_ns = nan: must be 1 to 1e+09"},
          {"the wrong way", [](P& p) { p.growth = -0.5F; }, "PathWeights: growth = -0.5: must be 0 to 100"},
          {"no number", [](P& p) { p.growth = nan; }, "PathWeights: growth = nan: must be 0 to 100"},
          {"too much", [](P& p) { p.standing = 101; }, "PathWeights: standing = 101: must be 0 to 100"},
          {"no number", [](P& p) { p.standing = nan; }, "PathWeights: standing = nan: must be 0 to 100"},
          {"less than none", [](P& p) { p.ignored_ns = -1; },
           "PathWeights: ignored_ns = -1: must be 0 to 1e+09"},
          {"no number", [](P& p) { p.ignored_ns = nan; },
           "PathWeights: ignored_ns = nan: must be 0 to 1e+09"},
          {"less than none", [](P& p) { p.ignored_share = -1; },
           "PathWeights: ignored_share = -1: must be 0 to 100"},
          {"no number", [](P& p) { p.ignored_share = nan; },
           "PathWeights: ignored_share = nan: must be 0 to 100"},
          {"to nothing", [](P& p) { p.steepest_cut = 0; },
           "PathWeights: steepest_cut = 0: must be 1e-06 to 1"},
          {"a cut that raises", [](P& p) { p.steepest_cut = 1.5F; },
           "PathWeights: steepest_cut = 1.5: must be 1e-06 to 1"},
          {"no number", [](P& p) { p.steepest_cut = nan; },
           "PathWeights: steepest_cut = nan: must be 1e-06 to 1"},
          {"a raise that cuts", [](P& p) { p.steepest_raise = 0.5F; },
           "PathWeights: steepest_raise = 0.5: must be 1 to 1e+06"},
          {"no number", [](P& p) { p.steepest_raise = nan; },
           "PathWeights: steepest_raise = nan: must be 1 to 1e+06"},
          {"beyond the way", [](P& p) { p.recovery = 2; }, "PathWeights: recovery = 2: must be 0 to 1"},
          {"no number", [](P& p) { p.recovery = nan; }, "PathWeights: recovery = nan: must be 0 to 1"},
          {"nothing", [](P& p) { p.floor = 0; }, "PathWeights: floor = 0: must be 1e-06 to 1"},
          {"no number", [](P& p) { p.floor = nan; }, "PathWeights: floor = nan: must be 1e-06 to 1"},
          {"below what is configured", [](P& p) { p.ceiling = 0.5F; },
           "PathWeights: ceiling = 0.5: must be 1 to 1e+06"},
          {"no number", [](P& p) { p.ceiling = nan; }, "PathWeights: ceiling = nan: must be 1 to 1e+06"},
          {"less than none", [](P& p) { p.outlying_ns = -1; },
           "PathWeights: outlying_ns = -1: must be 0 to 1e+09"},
          {"no number", [](P& p) { p.outlying_ns = nan; },
           "PathWeights: outlying_ns = nan: must be 0 to 1e+09"},
          {"no span", [](P& p) { p.outlying_span_ns = 0; },
           "PathWeights: outlying_span_ns = 0: must be 1 to 1e+09"},
          {"no number", [](P& p) { p.outlying_span_ns = nan; },
           "PathWeights: outlying_span_ns = nan: must be 1 to 1e+09"},
          {"never known", [](P& p) { p.forgotten = 0; },
           "PathWeights: forgotten = 0: must be 1 to 2147483648"},
          {"never heard again", [](P& p) { p.trickle = 0; }, "PathWeights: trickle = 0: must be 1e-06 to 1"},
          {"no number", [](P& p) { p.trickle = nan; }, "PathWeights: trickle = nan: must be 1e-06 to 1"},
      },
      [](const P& p) { PathWeights{std::array{1.0F, 1.0F}, p}; });
}

TEST(Parameters, OfAPolicyGovernorAreRefusedByName) {
  using P = PolicyGovernor::Parameters;
  expect_refusals<PolicyGovernor>(
      {
          {"negative", [](P& p) { p.out_for = Nanoseconds{-1}; },
           "PolicyGovernor: out_for = -1 ns: must be 0 ns to 86400000000000 ns"},
          {"no health", [](P& p) { p.well_for = Nanoseconds{0}; },
           "PolicyGovernor: well_for = 0 ns: must be 1 ns to 86400000000000 ns"},
          {"more than a day", [](P& p) { p.well_longest = Nanoseconds{day + 1}; },
           "PolicyGovernor: well_longest = 86400000000001 ns: must be 1 ns to 86400000000000 ns"},
          {"longer at first than at most", [](P& p) { p.well_for = Nanoseconds{60'000'000'001}; },
           "PolicyGovernor: well_for = 60000000001 ns: must be at most well_longest = 60000000000 ns"},
          {"more than one a packet", [](P& p) { p.naks_expected = 1.25; },
           "PolicyGovernor: naks_expected = 1.25: must be 0 to 1"},
          {"no number", [](P& p) { p.naks_expected = nan; },
           "PolicyGovernor: naks_expected = nan: must be 0 to 1"},
          {"harm that is less than usual", [](P& p) { p.harm_factor = 0.5; },
           "PolicyGovernor: harm_factor = 0.5: must be 1 to 1e+06"},
          {"no number", [](P& p) { p.harm_factor = nan; },
           "PolicyGovernor: harm_factor = nan: must be 1 to 1e+06"},
          {"less than none", [](P& p) { p.harm_least = -20; },
           "PolicyGovernor: harm_least = -20: must be 0 to 1e+09"},
          {"no number", [](P& p) { p.harm_least = nan; },
           "PolicyGovernor: harm_least = nan: must be 0 to 1e+09"},
          {"negative", [](P& p) { p.harm_for = Nanoseconds{-1}; },
           "PolicyGovernor: harm_for = -1 ns: must be 0 ns to 86400000000000 ns"},
          {"no packets", [](P& p) { p.judged_packets = 0; },
           "PolicyGovernor: judged_packets = 0: must be 1 to 1099511627776"},
          {"more than all", [](P& p) { p.learning = 2; }, "PolicyGovernor: learning = 2: must be 0 to 1"},
          {"no number", [](P& p) { p.learning = nan; }, "PolicyGovernor: learning = nan: must be 0 to 1"},
          {"less than nothing", [](P& p) { p.forgetting = -0.125; },
           "PolicyGovernor: forgetting = -0.125: must be 0 to 1"},
          {"no number", [](P& p) { p.forgetting = nan; }, "PolicyGovernor: forgetting = nan: must be 0 to 1"},
          {"negative", [](P& p) { p.settling = Nanoseconds{-1}; },
           "PolicyGovernor: settling = -1 ns: must be 0 ns to 86400000000000 ns"},
          {"at once", [](P& p) { p.retry_after = Nanoseconds{0}; },
           "PolicyGovernor: retry_after = 0 ns: must be 1 ns to 86400000000000 ns"},
          {"never", [](P& p) { p.retry_longest = Nanoseconds{std::numeric_limits<std::int64_t>::max()}; },
           "PolicyGovernor: retry_longest = 9223372036854775807 ns: must be 1 ns to 86400000000000 ns"},
          {"longer at first than at most", [](P& p) { p.retry_longest = Nanoseconds{999'999'999}; },
           "PolicyGovernor: retry_after = 1000000000 ns: must be at most retry_longest = 999999999 ns"},
      },
      [](const P& p) { PolicyGovernor{Policy::automatic, p}; });
}

TEST(Parameters, OfASprayAreRefusedByName) {
  using P = Spray::Parameters;
  expect_refusals<Spray>(
      {
          {"no rate", [](P& p) { p.rate = 0; }, "Spray: rate = 0: must be 1e-06 to 1e+06"},
          {"no number", [](P& p) { p.rate = nan; }, "Spray: rate = nan: must be 1e-06 to 1e+06"},
          {"less than none", [](P& p) { p.turn_ns = -1; }, "Spray: turn_ns = -1: must be 0 to 1e+09"},
          {"no number", [](P& p) { p.turn_ns = nan; }, "Spray: turn_ns = nan: must be 0 to 1e+09"},
          {"no queue", [](P& p) { p.longest_queue_ns = 0; },
           "Spray: longest_queue_ns = 0: must be 1 to 1e+09"},
          {"endless", [](P& p) { p.longest_queue_ns = infinity; },
           "Spray: longest_queue_ns = inf: must be 1 to 1e+09"},
          {"no number", [](P& p) { p.longest_queue_ns = nan; },
           "Spray: longest_queue_ns = nan: must be 1 to 1e+09"},
      },
      [](const P& p) { Spray{2, p}; });
}

TEST(Parameters, OfASteeringAreRefusedByName) {
  using P = Steering::Parameters;
  expect_refusals<Steering>(
      {
          {"no flows", [](P& p) { p.flows = 0; }, "Steering: flows = 0: must be 1 to 67108864"},
          {"more than a message has", [](P& p) { p.first_bytes = 2'147'483'649; },
           "Steering: first_bytes = 2147483649: must be 0 to 2147483648"},
          {"less silence than can be told", [](P& p) { p.idle = Nanoseconds{999}; },
           "Steering: idle = 999 ns: must be 1000 ns to 2000000000 ns"},
          {"negative", [](P& p) { p.held = Nanoseconds{-1}; },
           "Steering: held = -1 ns: must be 0 ns to 2000000000 ns"},
          {"longer than flows are remembered", [](P& p) { p.epoch = Nanoseconds{2'000'000'001}; },
           "Steering: epoch = 2000000001 ns: must be 1000 ns to 2000000000 ns"},
          {"begins anew while the sink holds the last ones", [](P& p) { p.epoch = Nanoseconds{350'000}; },
           "Steering: epoch = 350000 ns: must be above idle + held = 350000 ns"},
          {"less than none", [](P& p) { p.reroute_ns = -1; },
           "Steering: reroute_ns = -1: must be 0 to 1e+09"},
          {"no number", [](P& p) { p.reroute_ns = nan; }, "Steering: reroute_ns = nan: must be 0 to 1e+09"},
          {"longer than can be told", [](P& p) { p.reroute_hold = Nanoseconds{day}; },
           "Steering: reroute_hold = 86400000000000 ns: must be 0 ns to 1800000000000 ns"},
          {"its spray's", [](P& p) { p.spray.rate = -1; }, "Spray: rate = -1: must be 1e-06 to 1e+06"},
      },
      [](const P& p) { Steering{std::array<std::size_t, 2>{2, 1}, p}; });
}

std::vector<std::vector<PathRecord>> peers_of(std::size_t count, std::size_t paths) {
  return {count, std::vector<PathRecord>(paths, {.egress = 0, .live = true, .weight = 1})};
}

TEST(Parameters, ThatAreNumbersOfThingsAreRefusedByName) {
  struct Number {
    std::string_view description;
    std::function<void()> make;
    std::string_view words;
  };
  const auto weights = [](std::vector<float> configured) { return PathWeights{configured}; };
  const auto steering = [](std::vector<std::size_t> paths) { return Steering{paths, {.flows = 1}}; };
  const std::vector<Number> cases{
      {"no flows", [] { FlowTable{0}; }, "FlowMap: capacity = 0: must be 1 to 67108864"},
      {"too many", [] { FlowTable{max_flows + 1}; }, "FlowMap: capacity = 67108865: must be 1 to 67108864"},
      {"flows forgotten at once", [] { FlowTable(1, Nanoseconds{0}); },
       "FlowTable: expiry = 0 ns: must be 1000 ns to 1800000000000 ns"},
      {"flows never forgotten", [] { FlowTable(1, Nanoseconds{day}); },
       "FlowTable: expiry = 86400000000000 ns: must be 1000 ns to 1800000000000 ns"},
      {"no packets held", [] { HeldPackets{0}; }, "HeldPackets: packets = 0: must be 1 to 4294967295"},
      {"more than can be numbered", [] { HeldPackets{std::size_t{1} << 32}; },
       "HeldPackets: packets = 4294967296: must be 1 to 4294967295"},
      {"too many sources", [] { PathStanding(65'536, 0); },
       "PathStanding: sources = 65536: must be 0 to 65535"},
      {"too many strands", [] { PathStanding(0, 65'536); },
       "PathStanding: strands = 65536: must be 0 to 65535"},
      {"no paths to watch", [] { PathHealth{0}; }, "PathHealth: paths = 0: must be 1 to 256"},
      {"too many", [] { PathHealth{257}; }, "PathHealth: paths = 257: must be 1 to 256"},
      {"no paths to weigh", [&] { weights({}); }, "PathWeights: paths = 0: must be 1 to 256"},
      {"too many", [&] { weights(std::vector<float>(257, 1)); },
       "PathWeights: paths = 257: must be 1 to 256"},
      {"a weight below 0", [&] { weights({1, -1}); }, "PathWeights: configured[1] = -1: must be 0 to 1e+06"},
      {"a weight that is no number", [&] { weights({nan}); },
       "PathWeights: configured[0] = nan: must be 0 to 1e+06"},
      {"no paths to spray over", [] { Spray(0, {}); }, "Spray: paths = 0: must be 1 to 256"},
      {"too many", [] { Spray(257, {}); }, "Spray: paths = 257: must be 1 to 256"},
      {"a peer without paths", [&] { steering({2, 0}); }, "Steering: paths[1] = 0: must be 1 to 256"},
      {"a peer of too many", [&] { steering({257}); }, "Steering: paths[0] = 257: must be 1 to 256"},
      {"too many peers", [&] { steering(std::vector<std::size_t>(65'537, 1)); },
       "Steering: peers = 65537: must be 0 to 65536"},
      {"a peer of too many paths in the table",
       [] { static_cast<void>(PathTable::initial(peers_of(1, 257), 1)); },
       "SlotTable: paths = 257: must be 0 to 256"},
      {"too many peers in the table", [] { static_cast<void>(PathTable::initial(peers_of(65'537, 0), 1)); },
       "PathTable: peers = 65537: must be 0 to 65536"},
  };
  for (const Number& each : cases) EXPECT_EQ(refusal(each.make), each.words) << each.description;
}

TEST(Parameters, AtTheEndsOfTheirRangesAreTaken) {
  EXPECT_EQ(refusal([] { FlowTable(1, shortest_silence); }), std::nullopt);
  EXPECT_EQ(refusal([] { FlowTable(1, longest_silence); }), std::nullopt);
  EXPECT_EQ(refusal([] { HeldPackets{1}; }), std::nullopt);
  EXPECT_EQ(refusal([] { PathStanding(0, 0); }), std::nullopt);
  EXPECT_EQ(refusal([] { PathHealth{256}; }), std::nullopt);
  EXPECT_EQ(refusal([] { Spray(256, {.turn_ns = 0}); }), std::nullopt);
  EXPECT_EQ(refusal([] { static_cast<void>(PathTable::initial(peers_of(1, 256), 1)); }), std::nullopt);
  EXPECT_EQ(refusal([] { static_cast<void>(PathTable::initial(peers_of(1, 0), 1)); }), std::nullopt);
  EXPECT_EQ(refusal([] {
              OrderWindow{{.flows = 1,
                           .packets = 1,
                           .bytes = 1,
                           .timeout = shortest_silence,
                           .patience = Nanoseconds{0},
                           .forget = shortest_silence,
                           .sources = 0,
                           .strands = 0}};
            }),
            std::nullopt);
}

}  // namespace
}  // namespace braidway::lb
