#include "ctrl/config/forecast.hpp"

#include <string>

#include "ctrl/config/moves.hpp"
#include "dataplane/settings.hpp"
#include "telemetry/message.hpp"

namespace braidway::ctrl {
namespace {

constexpr std::uint32_t bin_us = 100;
/// What is told of a path more seldom leaves bins unknown (ctrl/model/load_bins.hpp).
constexpr std::uint32_t longest_silence_us = 800;

void check_peer(const PeerDraft& peer, const Draft& draft, std::vector<Problem>& problems) {
  const Given<bool>& applies = draft.forecast.applies;
  if (!peer.messages.key_file.given) {
    problems.push_back({applies.at,
                        "a forecast is made of what a peer's messages say of paths; give the peer messages, "
                        "or leave out forecast"});
  }
  const Given<std::uint32_t>& interval = peer.messages.interval_us;
  const auto rounds = static_cast<std::uint32_t>(telemetry::feedbacks_for(peer.paths.size()));
  const std::uint32_t silence_us = rounds * interval.value_or(dataplane::MessageSettings{}.interval_us);
  if (silence_us > longest_silence_us) {
    problems.push_back({interval.given ? interval.at : applies.at,
                        "messages tell of each path every " + std::to_string(silence_us) +
                            " us, too seldom to forecast by; write interval_us: " +
                            std::to_string(longest_silence_us / rounds) + " or less, or leave out forecast"});
  }
  if (!may_be_stamped(peer, draft)) {
    problems.push_back(
        {applies.at,
         "a forecast is made of what stamped packets tell, and none is; write stamping: int-md and "
         "policy: auto for the peer, or leave out forecast"});
  }
}

}  // namespace

void check_forecast(const Draft& draft, std::vector<Problem>& problems) {
  if (!draft.forecast.applies.given) return;
  for (const PeerDraft& peer : draft.peers) check_peer(peer, draft, problems);
  const Given<std::uint32_t>& tick = draft.forecast.tick_us;
  if (tick.given && tick.value % bin_us != 0) {
    const std::uint32_t whole = tick.value - tick.value % bin_us;
    problems.push_back({tick.at, "a tick of " + std::to_string(tick.value) +
                                     " us is not made of whole bins of 100 us; write tick_us: " +
                                     std::to_string(whole) + " or " + std::to_string(whole + bin_us)});
  }
}

}  // namespace braidway::ctrl
