#include "bench/traffic/report.hpp"

#include <algorithm>
#include <iomanip>

#include <nlohmann/json.hpp>

namespace braidway::bench::traffic {

Results collect(const Channel& there, const Channel& back, const Host& client, const Host& server) {
  Results results;
  for (const Channel* channel : {&there, &back}) {
    const Ledger& ledger = channel->ledger();
    // A damaged frame cannot be told by its ICRC: it stands for one of those that did not arrive whole.
    const std::uint64_t missing = ledger.sent() - ledger.delivered();
    const std::uint64_t damaged = std::min(channel->icrc_errors(), missing);
    results.sent += ledger.sent();
    results.delivered += ledger.delivered() + damaged;
    results.lost += missing - damaged;
    results.reordered += ledger.reordered();
    results.duplicates += ledger.duplicates();
    results.icrc_errors += channel->icrc_errors();
    results.payload_errors += channel->payload_errors();
    results.protocol_errors += channel->protocol_errors() + ledger.unknown();
    results.foreign += channel->foreign();
  }
  for (const Host* host : {&client, &server}) {
    if (const Requester* requester = host->requester()) {
      results.retransmitted += requester->retransmitted();
      results.timeouts += requester->timeouts();
      results.implied_naks += requester->implied_naks();
      results.messages += requester->messages();
    }
    if (const Responder* responder = host->responder()) {
      results.retransmitted += responder->retransmitted();
      results.naks += responder->naks();
      results.bytes += responder->bytes();
    }
  }
  return results;
}

std::string to_json(const Results& results) {
  const nlohmann::ordered_json json{{"seconds", results.seconds},
                                    {"sent", results.sent},
                                    {"delivered", results.delivered},
                                    {"lost", results.lost},
                                    {"reordered", results.reordered},
                                    {"duplicates", results.duplicates},
                                    {"retransmitted", results.retransmitted},
                                    {"icrc_errors", results.icrc_errors},
                                    {"payload_errors", results.payload_errors},
                                    {"protocol_errors", results.protocol_errors},
                                    {"naks", results.naks},
                                    {"implied_naks", results.implied_naks},
                                    {"timeouts", results.timeouts},
                                    {"foreign", results.foreign},
                                    {"messages", results.messages},
                                    {"bytes", results.bytes},
                                    {"qps", results.qps},
                                    {"finished", results.finished}};
  return json.dump();
}

void print_summary(std::ostream& out, const Results& results) {
  const double seconds = std::max(results.seconds, 1e-9);
  out << std::fixed << std::setprecision(2) << "RoCEv2 over " << results.qps << " QPs for " << results.seconds
      << " s\n  frames    " << results.sent << " sent, " << results.delivered << " delivered, "
      << results.lost << " lost (" << static_cast<double>(results.sent) / seconds / 1000
      << " k/s)\n  messages  " << results.messages << " completed, " << results.bytes << " payload bytes ("
      << static_cast<double>(results.bytes) * 8 / seconds / 1e9 << " Gbit/s)\n  order     "
      << results.reordered << " reordered, " << results.duplicates << " duplicates, " << results.retransmitted
      << " retransmitted (" << results.naks << " NAKs, " << results.implied_naks << " implied, "
      << results.timeouts << " time-outs)\n  content   " << results.icrc_errors << " ICRC errors, "
      << results.payload_errors << " payload errors, " << results.protocol_errors << " protocol errors, "
      << results.foreign << " foreign frames\n"
      << (results.finished ? "" : "  some messages were not completed before the drain ended\n")
      << (results.clean() ? "everything arrived, in order, intact\n" : "NOT CLEAN\n");
}

}  // namespace braidway::bench::traffic
