// braidway-forecast: how well cross load can be forecast, by model, horizon and workload.
#include <cmath>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <string>
#include <tbb/parallel_for.h>
#include <unordered_set>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/fabric/text_file.hpp"
#include "bench/forecast/judge.hpp"
#include "bench/forecast/series.hpp"
#include "bench/forecast/trace_workload.hpp"

namespace {

using namespace braidway::bench::forecast;

struct Options {
  std::vector<std::string> workloads;
  std::vector<std::string> traces;
  bool cut_short = false;
  std::string json_file;
  std::string series_file;
  std::string series_path;
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

/// Those asked for, traces last; all but traces if nothing is.
std::vector<Workload> make_all(const Options& options) {
  std::vector<Workload> made;
  if (options.workloads.empty() && options.traces.empty()) {
    for (const WorkloadEntry& entry : workloads()) made.push_back(make(std::string{entry.name}, options));
  }
  for (const std::string& name : options.workloads) made.push_back(make(name, options));
  using CutShort = braidway::ctrl::record::Trace::CutShort;
  const auto cut_short = options.cut_short ? CutShort::take_whole_blocks : CutShort::refuse;
  for (const std::string& file : options.traces) {
    TraceWorkload of = trace_workload(file, cut_short);
    for (const std::string& remark : of.remarks) std::cout << remark << '\n';
    made.push_back(std::move(of.workload));
  }
  std::unordered_set<std::string> names;
  for (const Workload& of : made) {
    if (!names.insert(of.name).second) {
      throw std::invalid_argument("two workloads are named " + of.name +
                                  "; give each once, and traces other names");
    }
  }
  return made;
}

std::string share(double value, int digits = 2) {
  if (std::isnan(value)) return "-";
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  return out.str();
}

void print(const std::vector<Verdict>& verdicts) {
  std::cout << "workload           horizon, ms  model       error   over best naive  way to oracle  to no "
               "error  gate open\n";
  for (const Verdict& of : verdicts) {
    std::cout << std::left << std::setw(19) << of.workload << std::right << std::setw(11) << of.horizon_ms
              << "  " << std::left << std::setw(10) << of.model << std::right << std::fixed
              << std::setprecision(4) << std::setw(7) << of.error << std::setw(18)
              << share(of.relative_error, 3) << std::setw(15) << share(of.oracle_share) << std::setw(13)
              << share(of.clairvoyant_share) << std::setw(11)
              << (of.model == "ensemble" ? share(of.gate_open_share) : "") << '\n'
              << std::defaultfloat;
  }
}

nlohmann::ordered_json number(double value) {
  return std::isnan(value) ? nlohmann::ordered_json() : nlohmann::ordered_json(value);
}

void write_json(const std::string& file, const std::vector<Verdict>& verdicts) {
  nlohmann::ordered_json runs = nlohmann::ordered_json::array();
  for (const Verdict& of : verdicts) {
    runs.push_back({{"workload", of.workload},
                    {"horizon_ms", of.horizon_ms},
                    {"model", of.model},
                    {"relative_error", number(of.relative_error)},
                    {"oracle_share", number(of.oracle_share)},
                    {"clairvoyant_share", number(of.clairvoyant_share)},
                    {"mean_absolute_error", of.error},
                    {"gate_open_share", of.gate_open_share}});
  }
  std::ofstream out(file);
  out << nlohmann::ordered_json{{"runs", std::move(runs)}}.dump(2) << '\n';
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

void write_series(const std::vector<Workload>& made, const Options& options) {
  std::vector<Series> series(made.size());
  tbb::parallel_for(std::size_t{0}, made.size(),
                    [&](std::size_t i) { series[i] = make_series(made[i], options.series_path); });
  std::ofstream out(options.series_file);
  write_csv(out, series);
  if (!out.flush()) throw std::runtime_error("cannot write " + options.series_file);
}

int run(const Options& options) {
  const std::vector<Workload> made = make_all(options);
  if (!options.series_file.empty()) write_series(made, options);
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
  app.add_option("--trace", options.traces, "a file of `braidwayctl record`; several may be given")
      ->allow_extra_args(false);
  app.add_flag("--cut-short", options.cut_short, "takes what is whole of a trace that was cut short");
  app.add_option("--series", options.series_file,
                 "writes what was forecast of a path 5 ms ahead and what came, of the last 3 s, as CSV");
  app.add_option(
      "--series-path", options.series_path,
      "of this path (its name in a trace, else its number); default: the one of which most is measured");
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
  } catch (const TraceError& error) {
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
