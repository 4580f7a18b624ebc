// A peer whose feedbacks tell of paths on which others put a load of their own: a queue stands whenever they
// and we want more than the path carries, and grows by what is too much.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "dataplane/heard_feedback.hpp"
#include "telemetry/message.hpp"

namespace braidway::ctrl::forecast {

inline constexpr std::int64_t us = 1'000;
inline constexpr double rate = 12.5;  ///< bytes a nanosecond: 100 Gbit/s

class Peer {
 public:
  /// Others' load of a path at a time.
  using Others = std::function<double(std::size_t path, std::int64_t now_ns)>;

  Peer(std::size_t paths, double own, Others others) : own_(own), others_(std::move(others)), paths_(paths) {}

  /// What it says of the 100 us that are over by then; of paths from `first` on, as many as there is room
  /// for.
  dataplane::HeardFeedback say(std::size_t first = 0) {
    now += 100 * us;
    dataplane::HeardFeedback heard{.at = lb::Nanoseconds{now}, .message = {}};
    telemetry::Message& message = heard.message;
    message.type = telemetry::MessageType::feedback;
    message.header.sender_boot = boot;
    message.announced = static_cast<std::uint16_t>(paths_.size());
    message.first = static_cast<std::uint8_t>(first);
    message.count = static_cast<std::uint8_t>(std::min(paths_.size(), telemetry::most_records));
    for (std::size_t i = 0; i < paths_.size(); ++i) pass(i);
    for (std::size_t i = 0; i < message.count; ++i) {
      Path& path = paths_[lb::value(message.path_of(i))];
      message.records[i] = {.heard = true,
                            .counted = true,
                            .packets = static_cast<std::uint32_t>(path.packets),
                            .bytes = static_cast<std::uint64_t>(path.packets * ip_packet),
                            .least_delay = static_cast<std::uint32_t>(path.least / rate),
                            .mean_delay = static_cast<std::uint32_t>(path.sum / path.count / rate),
                            .most_delay = static_cast<std::uint32_t>(path.most / rate)};
      path.least = path.most = path.queue;
      path.sum = path.count = 0;
    }
    return heard;
  }
  /// Counts begin again.
  void restart() {
    boot = telemetry::BootId{static_cast<std::uint64_t>(boot) + 1};
    for (Path& path : paths_) path = {};
  }

  std::int64_t now = 1'000'000'000;
  telemetry::BootId boot{1};

 private:
  static constexpr double ip_packet = 1'024;
  static constexpr double wire_packet = ip_packet + 38;
  static constexpr double most_queue = 2e6;

  struct Path {
    double queue = 0;    ///< bytes
    double packets = 0;  ///< ours that came
    double least = 0;    ///< of the queue, since it was told of
    double most = 0;
    double sum = 0;
    double count = 0;
  };

  /// 100 us.
  void pass(std::size_t i) {
    Path& path = paths_[i];
    const double others = others_(i, now);
    // We yield to others, but for a little: their queue is seen by that.
    const double own = std::min(own_, std::max(1.01 - others, 0.01));
    const double carried = rate * 100 * us;
    const double wanted = (own + others) * carried + path.queue;
    const double left = std::min(wanted, carried);
    const double before = path.queue;
    path.queue = std::min(wanted - left, most_queue);
    // First in, first out: what leaves is ours as far as what comes is.
    path.packets += left * own / (own + others) / wire_packet;
    path.least = std::min({path.least, before, path.queue});
    path.most = std::max({path.most, before, path.queue});
    path.sum += (before + path.queue) / 2;
    path.count += 1;
  }

  double own_;
  Others others_;
  std::vector<Path> paths_;
};

/// Bursts of a job: so much for so long, each period.
inline double burst(std::int64_t now, std::int64_t period_us, std::int64_t length_us, double height) {
  return now % (period_us * us) < length_us * us ? height : 0;
}

}  // namespace braidway::ctrl::forecast
