// The forecaster made for training traffic: each path's cross load is some base and the bursts of several
// jobs, each with its height, length and period. Onsets and ends are seen in bins of 100 us (edges.hpp),
// jobs found among onsets (train_search.hpp), and each followed by itself (burst_train.hpp), through periods
// that change and jobs that stop.
//
// Bins in which nothing can be seen (the path is full, or unknown) hide onsets: what should have come then is
// not held against a job. A censored bin below the level of a burst says that the burst is over. What is
// beyond base and known jobs, bursts without a period, is taken to go on for as long as such bursts usually
// do.
//
// Pure; owner: one thread. All memory at construction, 1.9 KB a path. Source: section 7 of the design.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "ctrl/model/burst_train.hpp"
#include "ctrl/model/edges.hpp"
#include "ctrl/model/forecaster.hpp"
#include "ctrl/model/train_search.hpp"

namespace braidway::ctrl::model {

class Bursts : public Forecaster {
 public:
  /// Throws std::invalid_argument for a shape without paths, bins or horizons.
  explicit Bursts(const Shape& shape);

  [[nodiscard]] std::string_view name() const noexcept override { return "bursts"; }
  void observe(std::span<const Sample> paths) noexcept override;
  [[nodiscard]] Forecast forecast(std::size_t path, std::size_t horizon) const noexcept override;
  void forget(std::size_t path) noexcept override { paths_[path] = {}; }

  /// Jobs that are known on the path.
  [[nodiscard]] std::size_t jobs(std::size_t path) const noexcept { return paths_[path].trains; }
  [[nodiscard]] const BurstTrain& job(std::size_t path, std::size_t number) const noexcept {
    return paths_[path].train[number];
  }

 private:
  static constexpr std::size_t most_trains = 6;
  static constexpr std::size_t most_active = 8;
  static constexpr std::size_t none = most_trains;

  struct Active {
    double began = 0;
    float height = 0;
    std::size_t train = none;
  };
  struct Path {
    Edges edges;
    TrainSearch search;
    std::array<BurstTrain, most_trains> train{};
    std::size_t trains = 0;
    std::array<Active, most_active> active{};  ///< oldest first
    std::size_t actives = 0;
    float base = 0;
    float usual_height = 0.3F;  ///< of bursts
    float stray_length = 0;     ///< of bursts that belong to no job, bins
    bool based = false;
    double hidden = -1;  ///< when onsets could last not be seen, bins
  };

  static void look(Path& path, const CrossLoad& bin) noexcept;
  static void rise(Path& path, const Edge& edge) noexcept;
  static void fall(Path& path, const Edge& edge) noexcept;
  static bool begin_of_two(Path& path, const Edge& edge) noexcept;
  static void begin(Path& path, const Edge& edge, std::size_t train) noexcept;
  static void leave(Path& path, std::size_t train) noexcept;
  static void join_halves(Path& path, BurstTrain& found) noexcept;
  static void remove_active(Path& path, std::size_t active) noexcept;
  static void end(Path& path, std::size_t active, const Edge& edge) noexcept;
  static void drop(Path& path, std::size_t train) noexcept;

  std::vector<Path> paths_;
  std::vector<unsigned> horizons_;
  double bins_;  ///< a tick
};

}  // namespace braidway::ctrl::model
