// braidway: the gateway daemon and its offline tools.
//
//   braidway run FILE         run the gateway that FILE describes, until SIGTERM or SIGINT
//   braidway check FILE       read FILE, say what is wrong with it, and do nothing
//   braidway replay FILE ...  take captures through the same pipeline, with no device
//   braidway pipeline --dot   draw the packet's way
//
// Exit codes: 0 fine; 1 could not start or go on; 2 the configuration or the command line is wrong.
#include <iostream>

#include <CLI/CLI.hpp>

#include "ctrl/config/config.hpp"
#include "ctrl/config/key_file.hpp"
#include "ctrl/daemon.hpp"
#include "ctrl/replay_command.hpp"
#include "dataplane/pipeline_dot.hpp"

namespace {

constexpr int exit_bad_use = 2;

/// Reads a configuration or says what is wrong with it, one line an error.
std::optional<braidway::ctrl::Config> read(const std::string& file) {
  auto config = braidway::ctrl::load_config(file);
  if (config) {
    return std::move(*config);
  }
  for (const auto& error : config.error()) {
    std::cerr << error.to_string() << "\n";
  }
  return std::nullopt;
}

/// Or says what is wrong with them. A replay has nobody to talk to and needs none.
bool read_the_keys(braidway::ctrl::Config& config) {
  const auto errors = braidway::ctrl::read_keys(config);
  for (const auto& error : errors) {
    std::cerr << error.to_string() << "\n";
  }
  return errors.empty();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A RoCEv2 gateway in software.", "braidway"};
  app.set_version_flag("--version", BRAIDWAY_VERSION);
  app.require_subcommand(1);
  std::string file;
  auto* run = app.add_subcommand("run", "run the gateway until SIGTERM or SIGINT");
  run->add_option("FILE", file, "configuration")->required();
  auto* check = app.add_subcommand("check", "check a configuration and exit");
  check->add_option("FILE", file, "configuration")->required();
  auto* pipeline = app.add_subcommand("pipeline", "show the packet's way");
  bool dot = false;
  pipeline->add_flag("--dot", dot, "as a Graphviz drawing")->required();
  auto* replay = app.add_subcommand("replay", "take captures through the pipeline, with no device");
  replay->add_option("FILE", file, "configuration")->required();
  braidway::ctrl::ReplayOptions options;
  replay->add_option("--in", options.inputs, "PORT=FILE.pcap: what the port receives; may be repeated")
      ->required();
  replay->add_option("--out", options.folder, "folder for PORT.pcap: what each port transmits")->required();
  replay->add_option("--json", options.json, "file for the result");
  auto* role =
      replay
          ->add_option(
              "--role", options.role,
              "source: only what comes from hosts; sink: only what comes from the fabric; transit: past "
              "a switch that adds what it has to tell to stamped packets")
          ->check(CLI::IsMember({"source", "sink", "transit"}));
  replay->add_option("--hop", options.hop, "NODE[,LATENCY_NS[,QUEUE_BYTES]]: what the switch tells")
      ->needs(role);
  replay->add_option("--path-delay", options.paths.delays, "PATH=10us: how long packets are under way")
      ->needs(role);
  replay->add_option("--path-loss", options.paths.losses, "PATH=0.001: share of packets that are lost")
      ->needs(role);
  replay
      ->add_option("--path-cut", options.paths.cuts, "PATH=10ms: when the path is cut, after the first frame")
      ->needs(role);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_bad_use;
  }
  if (pipeline->parsed()) {
    std::cout << braidway::dataplane::pipeline_dot();
    return 0;
  }
  auto config = read(file);
  if (!config || (!replay->parsed() && !read_the_keys(*config))) {
    return exit_bad_use;
  }
  if (check->parsed()) {
    std::cout << file << ": fine\n";
    return 0;
  }
  return run->parsed() ? braidway::ctrl::run_daemon(*config) : braidway::ctrl::run_replay(*config, options);
}
