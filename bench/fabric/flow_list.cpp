#include "bench/fabric/flow_list.hpp"

#include <algorithm>
#include <iomanip>
#include <map>
#include <ostream>
#include <string_view>

#include "bench/fabric/text_file.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr double max_start = 1e6;          // seconds
constexpr unsigned lossless_priority = 3;  // as in the published lists
constexpr std::uint16_t first_source_port = 10'000;
constexpr std::uint16_t first_destination_port = 100;

NodeIndex read_host(const TextFile& file, const Topology& topology, std::string_view word,
                    std::string_view name) {
  const auto node = static_cast<NodeIndex>(file.whole(word, name, 0, topology.node_count() - 1));
  if (topology.is_switch[node]) {
    file.fail(std::string{name} + " is " + std::string{word} + ", a switch, not a host");
  }
  return node;
}

}  // namespace

void arrange(std::vector<Flow>& flows) {
  std::stable_sort(flows.begin(), flows.end(),
                   [](const Flow& a, const Flow& b) { return a.start < b.start; });
  std::map<NodeIndex, std::uint16_t> sources;
  std::map<NodeIndex, std::uint16_t> destinations;
  for (Flow& flow : flows) {
    flow.source_port = sources.try_emplace(flow.source, first_source_port).first->second++;
    flow.destination_port =
        destinations.try_emplace(flow.destination, first_destination_port).first->second++;
  }
}

void write_flows(std::ostream& out, const std::vector<Flow>& flows) {
  constexpr Nanoseconds second = 1'000'000'000;
  out << flows.size() << '\n' << std::setfill('0');
  for (const Flow& flow : flows) {
    // Half a nanosecond more: what reads the binary number next to it truncates, and must not lose one.
    out << flow.source << ' ' << flow.destination << ' ' << lossless_priority << ' ' << flow.bytes << ' '
        << flow.start / second << '.' << std::setw(9) << flow.start % second << "5\n";
  }
  out << std::setfill(' ');
}

std::vector<Flow> read_flows(const std::string& name, const Topology& topology) {
  TextFile file{name};
  const auto& first = file.expect(1, "one number: how many flows follow");
  const std::uint64_t count = file.whole(first[0], "the number of flows", 1, max_flows);
  std::vector<Flow> flows;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto& words = file.expect(5, "a flow: source destination priority bytes start");
    Flow flow{};
    flow.source = read_host(file, topology, words[0], "the source");
    flow.destination = read_host(file, topology, words[1], "the destination");
    // One data priority is simulated: which of the lossless ones a file names makes no difference.
    static_cast<void>(file.whole(words[2], "the priority", 0, 7));
    flow.bytes = static_cast<std::uint32_t>(file.whole(words[3], "the size", 1, max_message_bytes));
    // Truncated from the binary number, as the anchors' simulator does: 1 ns early now and then.
    flow.start = static_cast<Nanoseconds>(
        static_cast<long double>(file.decimal(words[4], "the start", 0, max_start)) * 1e9L);
    if (flow.source == flow.destination) file.fail("a flow from a host to itself");
    flows.push_back(flow);
  }
  if (file.next_line())
    file.fail("more lines than the " + std::to_string(count) + " flows of the first line");
  arrange(flows);
  return flows;
}

}  // namespace braidway::bench::fabric
