// What befalls the network at a given time, as one line says it:
//
//   - `TIME down A-B`: both ways, silently: what is sent onto the link is lost, nobody is told
//   - `TIME up A-B`: in order again
//   - `TIME rate A-B RATE`: both ways; what is being sent is sent at the old rate
//   - `TIME delay A-B DELAY`: both ways; a shorter one lets packets overtake those on their way,
//     as a re-route inside the fabric does
//   - `TIME loss A-B SHARE`: of packets, both ways; PFC frames are spared, which a link repeats
//   - `TIME divert A-B A-C`: what A would send to B goes to C from then on; C must lead to every host that B
//     leads to
//   - `TIME background A-B SHARE`: of the rate from A to B is taken by others from then on
//   - `TIME on-off A-B SHARE ON OFF`: the same during bursts: exponential, with these mean times on and off
//   - `TIME periodic A-B SHARE PERIOD ON JITTER`: a burst each PERIOD for ON, late by 0 to JITTER
//
// TIME is of the simulated clock, that of the flow list. Times are numbers with ns, us, ms or s; rates with
// bps, Kbps, Mbps or Gbps. A, B, C: nodes. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

struct NetworkEvent {
  enum class Kind : std::uint8_t { down, up, rate, delay, loss, divert, background, on_off, periodic };

  Nanoseconds at = 0;
  Kind kind = Kind::down;
  NodeIndex a = 0;
  NodeIndex b = 0;
  NodeIndex c = nobody;    ///< divert
  std::uint64_t rate = 0;  ///< bit/s
  Nanoseconds delay = 0;
  double share = 0;        ///< loss, and load in the background
  Nanoseconds period = 0;  ///< periodic
  Nanoseconds on = 0;      ///< on_off: mean
  Nanoseconds off = 0;     ///< on_off: mean
  Nanoseconds jitter = 0;  ///< periodic: the most
};

/// A time as `2ms` (ns, us, ms, s), of at least `low` ns and 1,000,000 s at most. Throws
/// std::invalid_argument that says what is wrong and calls it `name`.
[[nodiscard]] Nanoseconds parse_time(std::string_view word, std::string_view name, double low);
/// Throws std::invalid_argument that says what is wrong.
[[nodiscard]] NetworkEvent parse_network_event(const std::string& text);
/// As it would be written, but for the numbers.
[[nodiscard]] std::string describe(const NetworkEvent& event);

}  // namespace braidway::bench::fabric
