#include "ctrl/config/returns.hpp"

#include "ctrl/config/moves.hpp"

namespace braidway::ctrl {
namespace {

void check_peer(const PeerDraft& peer, const Draft& draft, std::vector<Problem>& problems) {
  const auto& heeds = peer.heeds_returns;
  if (peer.entropy.value != dataplane::EntropyField::none && !heeds.value) {
    problems.push_back({peer.entropy.at,
                        "entropy is changed when return traffic tells of trouble; add return_traffic: heed"});
  }
  if (!heeds.value) return;
  if (peer.stamping.value_or(dataplane::Stamping::none) != dataplane::Stamping::none) {
    problems.push_back(
        {heeds.at,
         "return traffic is heeded where the far end is no gateway, and the peer has stamping; "
         "leave one out"});
  }
  if (peer.messages.key_file.given) {
    problems.push_back(
        {heeds.at,
         "return traffic is heeded where the far end is no gateway, and the peer has messages; "
         "leave one out"});
  }
  if (!may_move(peer, draft)) {
    problems.push_back({heeds.at, "with policy 'pinned' no flow moves by it; write policy: idle-move"});
  }
}

}  // namespace

void check_returns(const Draft& draft, std::vector<Problem>& problems) {
  for (const PeerDraft& peer : draft.peers) check_peer(peer, draft, problems);
}

}  // namespace braidway::ctrl
