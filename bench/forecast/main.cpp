// braidway-forecast: how well cross load can be forecast, by model, horizon and workload.
#include <cmath>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <string>
#include <tbb/parallel_for.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/fabric/text_file.hpp"
#include "bench/forecast/judge.hpp"

namespace {

using namespace braidway::bench::forecast;

struct Options {
  std::vector<std::string> workloads;
  std::string json_file;
  Setting setting;
};

Workload make(const std::string& name, const Options& options) {
  for (const WorkloadEntry& entry : workloads()) {
    if (entry.name != name) continue;
    Workload workload = entry.make(options.setting);
    workload.name = name;
    return workload;
  }
  throw std::invalid_argument("there is no workload '" + name + "'; --list names them");
}

std::string share(double value) {
  if (std::isnan(value)) return "-";
  std::ostringstream out;
  out << std::fixed << std::setprecision(2) << value;
  return out.str();
}

void print(const std::vector<Verdict>& verdicts) {
  std::cout << "workload           horizon, ms  model       error   over best naive  way to oracle  to no "
               "error  gate open\n";
  for (const Verdict& of : verdicts) {
    std::cout << std::left << std::setw(19) << of.workload << std::right << std::setw(11) << of.horizon_ms
              << "  " << std::left << std::setw(10) << of.model << std::right << std::fixed
              << std::setprecision(4) << std::setw(7) << of.error << std::setw(18) << std::setprecision(3)
              << of.relative_error << std::setw(15) << share(of.oracle_share) << std::setw(13)
              << share(of.clairvoyant_share) << std::setw(11)
              << (of.model == "ensemble" ? share(of.gate_open_share) : "") << '\n'
              << std::defaultfloat;
  }
}

void write_json(const std::string& file, const std::vector<Verdict>& verdicts) {
  nlohmann::ordered_json runs = nlohmann::ordered_json::array();
  for (const Verdict& of : verdicts) {
    runs.push_back({{"workload", of.workload},
                    {"horizon_ms", of.horizon_ms},
                    {"model", of.model},
                    {"relative_error", of.relative_error},
                    {"oracle_share", std::isnan(of.oracle_share) ? nlohmann::ordered_json()
                                                                 : nlohmann::ordered_json(of.oracle_share)},
                    {"clairvoyant_share", of.clairvoyant_share},
                    {"mean_absolute_error", of.error},
                    {"gate_open_share", of.gate_open_share}});
  }
  std::ofstream out(file);
  out << nlohmann::ordered_json{{"runs", std::move(runs)}}.dump(2) << '\n';
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

int run(Options options) {
  if (options.workloads.empty()) {
    for (const WorkloadEntry& entry : workloads()) options.workloads.emplace_back(entry.name);
  }
  std::vector<Workload> made;
  made.reserve(options.workloads.size());
  for (const std::string& name : options.workloads) made.push_back(make(name, options));
  std::vector<std::vector<Verdict>> parts(made.size());
  tbb::parallel_for(std::size_t{0}, made.size(),
                    [&](std::size_t i) { parts[i] = judge(made[i], {1, 5, 20, 100}, options.setting.seed); });
  std::vector<Verdict> verdicts;
  for (auto& part : parts) verdicts.insert(verdicts.end(), part.begin(), part.end());
  print(verdicts);
  if (!options.json_file.empty()) write_json(options.json_file, verdicts);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int exit_bad_input = 2;
  CLI::App app{"Judges forecasts of paths' cross load.", "braidway-forecast"};
  Options options;
  bool list = false;
  app.add_option("--workload", options.workloads, "these alone")->delimiter(',');
  app.add_option("--json", options.json_file, "writes the verdicts there");
  app.add_option("--ticks", options.setting.ticks, "milliseconds of each workload")
      ->check(CLI::Range(1'000, 10'000'000));
  app.add_option("--paths", options.setting.paths, "paths of each")->check(CLI::Range(1, 256));
  app.add_option("--seed", options.setting.seed, "of chance");
  app.add_option("--anchors", options.setting.anchors_folder, "folder of message sizes");
  app.add_flag("--list", list, "names the workloads");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_bad_input;
  }
  if (list) {
    for (const WorkloadEntry& entry : workloads()) {
      std::cout << std::left << std::setw(19) << entry.name << entry.what << '\n';
    }
    return 0;
  }
  try {
    return run(options);
  } catch (const braidway::bench::fabric::InputError& error) {
    std::cerr << error.what() << '\n';
    return exit_bad_input;
  } catch (const std::invalid_argument& error) {
    std::cerr << "braidway-forecast: " << error.what() << '\n';
    return exit_bad_input;
  } catch (const std::exception& error) {
    std::cerr << "braidway-forecast: " << error.what() << '\n';
    return 1;
  }
}
