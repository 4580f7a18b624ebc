#include "bench/fabric/options.hpp"

#include <iostream>
#include <map>
#include <sstream>

#include <CLI/CLI.hpp>

#include "bench/fabric/scenarios/scenario.hpp"
#include "bench/fabric/schemes/registry.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr int bad_usage = 2;

std::string event_help() {
  return "what befalls the network, once or more, in quotes: TIME and one of\n"
         "down A-B | up A-B: a link both ways, silently\n"
         "rate A-B 25Gbps | delay A-B 5us | loss A-B 0.001: both ways\n"
         "divert A-B A-C: what A would send to B goes to C\n"
         "background A-B SHARE: others take this share of the rate from A to B\n"
         "on-off A-B SHARE ON OFF: they do in bursts, exponential with these means\n"
         "periodic A-B SHARE PERIOD ON JITTER: they do each period, late by up to the jitter\n"
         "Times as 2ms, from the flow list's zero; A, B, C are nodes";
}

std::string scheme_help() {
  std::string help = "one or more of, with commas:";
  for (const SchemeEntry& entry : schemes()) {
    help += "\n" + std::string{entry.name} + ": " + std::string{entry.what};
  }
  return help;
}

std::string check_scheme(const std::string& name) {
  return find_scheme(name) ? std::string{} : "there is no scheme " + name;
}

std::string scenario_help() {
  std::string help = std::string{list_scenarios} + " prints this list; one of:";
  for (const ScenarioEntry& entry : scenarios()) {
    help += "\n" + std::string{entry.name} + ": " + std::string{entry.what};
  }
  return help;
}

std::string check_scenario(const std::string& name) {
  return name == list_scenarios || find_scenario(name) ? std::string{} : "there is no scenario " + name;
}

/// A number from `low` to `high`. CLI::Range lets NaN pass.
CLI::Validator within(double low, double high) {
  return {[low, high](const std::string& word) -> std::string {
            double number = 0;
            if (CLI::detail::lexical_cast(word, number) && number >= low && number <= high) return {};
            std::ostringstream why;
            why << "Value " << word << " not in range " << low << " to " << high;
            return why.str();
          },
          "FLOAT"};
}

std::string check_duration(const std::string& word) {
  try {
    static_cast<void>(parse_time(word, "the time", 1));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

std::string check_event(const std::string& text) {
  try {
    static_cast<void>(parse_network_event(text));
  } catch (const std::invalid_argument& error) {
    return "\"" + text + "\": " + error.what();
  }
  return {};
}

/// Why these options do not go together; empty if they do.
std::string contradiction(const Options& options) {
  if (!options.topology_out.empty()) {
    if (options.load != 0) return "--topology-out puts no load on anything: leave out --load";
    return options.leaf_spine.empty() == (options.fat_tree == 0)
               ? "--topology-out takes --leaf-spine or --fat-tree"
               : "";
  }
  if (!options.leaf_spine.empty() || options.fat_tree != 0) return "--topology-out is missing";
  const bool generated = !options.cdf_file.empty();
  if (options.scenario.empty() && options.topology_file.empty()) {
    return "--scenario, or --topology with --flows or --cdf, must be given";
  }
  if (!options.topology_file.empty() && options.flow_file.empty() && !generated) {
    return "--topology needs --flows, or --cdf with --load and --duration";
  }
  if (generated && (options.load == 0 || options.duration == 0)) {
    return "--cdf needs --load and --duration, which say how many flows to make of it";
  }
  if (options.load != 0 && !options.scenario.empty() && options.scenario != list_scenarios &&
      !find_scenario(options.scenario)->has_loads) {
    return "scenario " + options.scenario + " has no loads to choose from: leave out --load";
  }
  if (!options.flow_list_out.empty() && options.seeds > 1) {
    return "--flows-out writes the list of one seed: leave out --seeds, and choose one with --seed";
  }
  if (options.config.ecn.kmin > options.config.ecn.kmax) return "--ecn-kmin is above --ecn-kmax";
  const bool one_run = options.seeds <= 1 && options.schemes.size() <= 1;
  if (!options.completion_file.empty() && !one_run) {
    return "--fct-out takes the flows of one run: one scheme, one seed";
  }
  if (!options.utilisation_file.empty() && !one_run) {
    return "--utilisation-out takes the ports of one run: one scheme, one seed";
  }
  if (options.foresight_file.empty()) return {};
  if (options.scenario == list_scenarios || !find_scenario(options.scenario)->has_foresight)
    return "--foresight-out: nothing is foreseen in scenario " + options.scenario;
  if (options.schemes.size() != 1 || options.seeds != 1)
    return "--foresight-out takes the paths of one run: one scheme, --seeds 1";
  return {};
}

}  // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
  Options options;
  const std::map<std::string, PfcMode> pfc_modes{
      {"off", PfcMode::off}, {"leaky", PfcMode::leaky}, {"proper", PfcMode::proper}};
  std::string pfc = "proper";
  const std::map<std::string, Recovery> recoveries{{"go-back-n", Recovery::go_back_n},
                                                   {"selective-repeat", Recovery::selective_repeat}};
  std::string recovery = "go-back-n";
  const std::map<std::string, Verb> verbs{{"send", Verb::send}, {"read", Verb::read}};
  std::string verb = "send";
  CLI::App app{
      "Simulates RDMA over an Ethernet fabric, packet by packet: go-back-N RNICs with DCQCN, switches with "
      "shared buffers, ECN and PFC, and a scheme that spreads the load. Exit code 1 if a simulation cannot "
      "finish or a scenario does not hold, 2 for bad usage or input."};
  auto* scenario = app.add_option("--scenario", options.scenario, scenario_help())->check(check_scenario);
  auto* topology = app.add_option("--topology", options.topology_file,
                                  "nodes and links, in the format of the ConWeave simulator")
                       ->excludes(scenario);
  auto* flows =
      app.add_option("--flows", options.flow_file, "what is sent, in the format of the ConWeave simulator")
          ->excludes(scenario);
  flows->needs(topology);
  auto* cdf =
      app.add_option("--cdf", options.cdf_file,
                     "in place of --flows: messages of sizes as this file says, in lines of bytes and "
                     "cumulative percent, arrive at every host at random times (Poisson) for random "
                     "other hosts, as in scenario load; a list a seed. Slowdown is that of flows "
                     "between racks, where there are several")
          ->needs(topology)
          ->excludes(flows)
          ->excludes(scenario);
  std::string duration;
  app.add_option("--duration", duration, "for --cdf: how long messages arrive for, as 10ms")
      ->needs(cdf)
      ->check(check_duration);
  app.add_option(
         "--flows-out", options.flow_list_out,
         "for --cdf: write the list, for --flows of another run (which counts flows within racks, too)")
      ->needs(cdf);
  app.add_option("--topology-out", options.topology_out,
                 "write a topology of links of 100 Gbit/s and 1 us, and do nothing else")
      ->excludes(scenario)
      ->excludes(topology);
  app.add_option("--leaf-spine", options.leaf_spine,
                 "for --topology-out: hosts a leaf, leaves, spines, as 8,4,4")
      ->delimiter(',')
      ->expected(3)
      ->check(CLI::Range(NodeIndex{1}, NodeIndex{1024}));
  app.add_option("--fat-tree", options.fat_tree,
                 "for --topology-out: three tiers of switches with so many ports")
      ->check(CLI::Range(NodeIndex{2}, NodeIndex{48}));
  app.add_option("--scheme,--schemes", options.schemes, scheme_help())->delimiter(',')->check(check_scheme);
  app.add_option("--seed", options.seed, "of every choice at random; 1 has the published ECMP hashes")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_option("--seeds", options.seeds,
                 "this many seeds, counted up from --seed (default: the scenario's, else 1)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{10'000}));
  app.add_option("--fct-out", options.completion_file,
                 "write a line a flow: source destination sport dport bytes start(ns) fct(ns) ideal-fct(ns)")
      ->excludes(scenario);
  app.add_option("--utilisation-out", options.utilisation_file,
                 "write a line a bin of time and port between switches: time(ns) from to utilisation")
      ->excludes(scenario);
  app.add_option("--utilisation-bin", options.config.series_bin, "nanoseconds")
      ->check(CLI::Range(Nanoseconds{1'000}, Nanoseconds{1'000'000'000}))
      ->default_val(100'000);
  app.add_option("--foresight-out", options.foresight_file,
                 "of a scenario with foresight: write a line a tick and path of the senders' gateway: "
                 "time(ns) peer path "
                 "truth seen forecast weight")
      ->needs(scenario);
  std::vector<std::string> events;
  app.add_option("--event", events, event_help())->allow_extra_args(false)->check(check_event);
  app.add_option("--json", options.json_file, "write the results here");
  app.add_option("--load", options.load,
                 "percent, of which 200 fill the hosts' links: that of --cdf; only this one of a scenario's "
                 "loads; with --flows what is to be written into the JSON")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{200}));
  app.add_option("--measure-from", options.measure_from,
                 "seconds: slowdown is that of flows that start then or later")
      ->check(within(0, 1e6))
      ->capture_default_str();
  app.add_option("--anchors", options.anchors_folder, "folder of the published inputs")
      ->capture_default_str();
  app.add_option("--rnic", recovery,
                 "go-back-n or selective-repeat: what is sent again when a packet is missing")
      ->check(CLI::IsMember(recoveries))
      ->capture_default_str();
  app.add_option("--verb", verb,
                 "send (or RDMA WRITE), or read, by which a flow's destination fetches its data")
      ->check(CLI::IsMember(verbs))
      ->capture_default_str();
  app.add_option("--pfc", pfc, "off, leaky (as the published simulator) or proper")
      ->check(CLI::IsMember(pfc_modes))
      ->capture_default_str();
  app.add_option("--ecn-kmin", options.config.ecn.kmin, "bytes queued from which packets are marked")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_option("--ecn-kmax", options.config.ecn.kmax, "bytes queued beyond which all are")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_option("--ecn-pmax", options.config.ecn.pmax, "the share that is marked at --ecn-kmax")
      ->check(within(0, 1))
      ->capture_default_str();
  app.add_option("--lanes", options.config.gateways.lanes,
                 "workers of a gateway, which share nothing but the paths' weights")
      ->check(CLI::Range(1U, 16U))
      ->capture_default_str();
  app.add_option("--lane-jitter", options.config.gateways.lane_jitter,
                 "ns: the longest that a gateway's worker lets packets wait for its turn")
      ->check(CLI::Range(Nanoseconds{0}, Nanoseconds{20'000}))
      ->capture_default_str();
  app.add_option("--tunnels", options.config.gateways.tunnels, "from a gateway at the edge to each peer")
      ->check(CLI::Range(1U, 256U))
      ->capture_default_str();
  app.add_option("--buffer", options.config.buffer_bytes, "bytes of a switch's buffer")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "simulations at a time; 0: one a core")
      ->check(CLI::Range(0U, 1024U))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : bad_usage;
  }
  options.config.pfc = pfc_modes.at(pfc);
  options.config.recovery = recoveries.at(recovery);
  options.config.verb = verbs.at(verb);
  if (!duration.empty()) options.duration = parse_time(duration, "the time", 1);
  for (const std::string& event : events) options.config.network_events.push_back(parse_network_event(event));
  if (options.utilisation_file.empty()) options.config.series_bin = 0;
  if (const std::string why = contradiction(options); !why.empty()) {
    std::cerr << "braidway-fabric: " << why << '\n';
    return bad_usage;
  }
  return options;
}

}  // namespace braidway::bench::fabric
