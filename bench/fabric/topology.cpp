#include "bench/fabric/topology.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "bench/fabric/text_file.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr std::uint64_t max_nodes = 65'536;
constexpr std::uint64_t max_links = 1'048'576;
constexpr double max_rate = 10e12;
constexpr double max_delay = 1e9;

/// `word` as a number with one of these units behind it, in the unit that has factor 1.
template <std::size_t count>
double with_unit(const TextFile& file, std::string_view word, std::string_view name, double low, double high,
                 const std::array<std::pair<std::string_view, double>, count>& units) {
  for (const auto& [unit, factor] : units) {
    if (word == unit) break;
    if (word.ends_with(unit)) {
      word.remove_suffix(unit.size());
      return file.decimal(word, std::string{name} + " (" + std::string{unit} + ")", low / factor,
                          high / factor) *
             factor;
    }
  }
  std::string known;
  for (const auto& [unit, factor] : units) known += " " + std::string{unit};
  file.fail(std::string{name} + " is " + std::string{word} + ", a number with one of the units" + known +
            " was expected");
}

Link read_link(TextFile& file, std::uint64_t nodes) {
  constexpr std::array<std::pair<std::string_view, double>, 4> rate_units{
      {{"Gbps", 1e9}, {"Mbps", 1e6}, {"Kbps", 1e3}, {"bps", 1}}};
  constexpr std::array<std::pair<std::string_view, double>, 4> delay_units{
      {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}}};
  const auto& words = file.expect(5, "a link: node node rate delay error-rate");
  Link link{};
  link.a = static_cast<NodeIndex>(file.whole(words[0], "the link's first node", 0, nodes - 1));
  link.b = static_cast<NodeIndex>(file.whole(words[1], "the link's second node", 0, nodes - 1));
  link.rate = static_cast<std::uint64_t>(with_unit(file, words[2], "the rate", 1e6, max_rate, rate_units));
  link.delay = static_cast<Nanoseconds>(with_unit(file, words[3], "the delay", 0, max_delay, delay_units));
  link.error_rate = file.decimal(words[4], "the error rate", 0, 1);
  if (link.a == link.b) file.fail("a link from node " + std::to_string(link.a) + " to itself");
  return link;
}

void read_switches(TextFile& file, std::uint64_t count, std::vector<bool>& is_switch) {
  const auto& words = file.expect(count, std::to_string(count) + " switches, as the first line says");
  for (const std::string_view word : words) {
    const std::uint64_t node = file.whole(word, "a switch", 0, is_switch.size() - 1);
    if (is_switch[node]) file.fail("switch " + std::to_string(node) + " is named twice");
    is_switch[node] = true;
  }
}

/// Hosts are joined through switches only: packets do not cross a host.
void check_reachable(const TextFile& file, const Topology& topology) {
  const NodeIndex nodes = topology.node_count();
  std::vector<std::vector<NodeIndex>> neighbours(nodes);
  for (const Link& link : topology.links) {
    neighbours[link.a].push_back(link.b);
    neighbours[link.b].push_back(link.a);
  }
  NodeIndex first = 0;
  while (topology.is_switch[first]) ++first;
  std::vector<bool> seen(nodes);
  seen[first] = true;
  std::vector<NodeIndex> todo{first};
  while (!todo.empty()) {
    const NodeIndex node = todo.back();
    todo.pop_back();
    if (node != first && !topology.is_switch[node]) continue;
    for (const NodeIndex next : neighbours[node]) {
      if (!seen[next]) todo.push_back(next);
      seen[next] = true;
    }
  }
  for (NodeIndex node = 0; node < nodes; ++node) {
    if (!topology.is_switch[node] && !seen[node]) {
      file.fail("the file ends, and no links join host " + std::to_string(node) + " to host " +
                std::to_string(first));
    }
  }
}

}  // namespace

Topology read_topology(const std::string& name) {
  TextFile file{name};
  const auto& counts = file.expect(3, "three numbers: nodes, switches, links");
  const std::uint64_t nodes = file.whole(counts[0], "the number of nodes", 2, max_nodes);
  const std::uint64_t switches = file.whole(counts[1], "the number of switches", 1, nodes - 1);
  const std::uint64_t links = file.whole(counts[2], "the number of links", 1, max_links);
  Topology topology;
  topology.is_switch.resize(nodes);
  read_switches(file, switches, topology.is_switch);
  std::vector<std::size_t> host_link(nodes);  // line of a host's link
  for (std::uint64_t i = 0; i < links; ++i) {
    const Link link = read_link(file, nodes);
    if (!topology.is_switch[link.a] && !topology.is_switch[link.b]) {
      file.fail("hosts " + std::to_string(link.a) + " and " + std::to_string(link.b) +
                " are linked to each other, not to a switch");
    }
    for (const NodeIndex node : {link.a, link.b}) {
      if (topology.is_switch[node]) continue;
      if (host_link[node] != 0) {
        file.fail("host " + std::to_string(node) + " has a second link; the first is in line " +
                  std::to_string(host_link[node]));
      }
      host_link[node] = file.line();
    }
    topology.links.push_back(link);
  }
  if (file.next_line())
    file.fail("more lines than the " + std::to_string(links) + " links of the first line");
  for (NodeIndex node = 0; node < nodes; ++node) {
    if (!topology.is_switch[node] && host_link[node] == 0) {
      file.fail("the file ends, and host " + std::to_string(node) + " has no link");
    }
  }
  check_reachable(file, topology);
  return topology;
}

}  // namespace braidway::bench::fabric
