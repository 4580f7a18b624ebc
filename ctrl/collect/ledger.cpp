#include "ctrl/collect/ledger.hpp"

namespace braidway::ctrl::collect {
namespace {

constexpr std::uint32_t sequences = 1U << 22U;
/// No network delivers a datagram so much later than its successors: the numbering has begun anew.
constexpr std::uint32_t latest = 64;

}  // namespace

bool Ledger::enter(const telemetry::ReportGroup& group, const std::string& sender) {
  const std::uint64_t key = std::uint64_t{group.node} << 8U | group.hardware;
  const std::uint32_t following = (group.sequence + 1) % sequences;
  const auto at = streams_.find(key);
  if (at == streams_.end()) {
    if (streams_.size() == most_streams) {
      ++counters.not_followed;
    } else {
      streams_.emplace(key, Stream{.sender = sender, .next = following});
    }
    return true;
  }
  Stream& stream = at->second;
  if (stream.sender != sender) {
    ++counters.other_sender;
    return false;
  }
  const std::uint32_t ahead = (group.sequence - stream.next) % sequences;
  const std::uint32_t behind = sequences - ahead;
  if (behind <= latest) {
    ++counters.late;
    return true;
  }
  if (ahead < sequences / 2) {
    counters.missing += ahead;
  } else {
    ++counters.restarted;
  }
  stream.next = following;
  return true;
}

}  // namespace braidway::ctrl::collect
