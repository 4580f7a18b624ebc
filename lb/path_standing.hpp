// What a sink knows of the paths from each source that bears on order: which are dead, which have broken
// first in, first out, how far the source's clock has got on each, and on strands declared FIFO how far each
// of its lanes has.
//
// Owner: the order window's worker. All memory at construction: 6 KB a source, 2 KB a strand, 192 KB for the
// index of gateways. Never fails: a source or strand beyond the limits has no standing, and its gaps are the
// timer's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lb/types.hpp"

namespace braidway::lb {

/// Of a source, in the tables of this sink. 0: a source beyond the limit.
enum class SourceIndex : std::uint16_t {};
constexpr auto value(SourceIndex index) noexcept { return static_cast<std::uint16_t>(index); }

inline constexpr unsigned max_priorities = 8;

/// When a packet left its source, and in which order it did: lane and priority leave in turn.
struct Departure {
  Lane lane{};
  std::uint8_t priority = 0;  ///< 0..7, PCP or the DSCP's class
  bool known = false;         ///< the packet said when
  std::uint32_t time = 0;     ///< low 32 bits of the source's clock, ns (order tag's DS bit 1)
};

class PathStanding {
 public:
  /// Of sources, and of strands: their numbers have 16 bits, and 0 is none.
  static constexpr std::size_t most = 0xffff;

  /// Up to `most` of each. Throws std::invalid_argument.
  PathStanding(std::size_t sources, std::size_t strands);

  /// The source of that number, which takes its place at the first call.
  SourceIndex source(GatewayId gateway) noexcept;
  /// Grows by one (modulo 256) when the source is flushed: stamps of another boot are no stamps of this one.
  [[nodiscard]] std::uint8_t boot(GatewayId gateway) const noexcept { return boots_[value(gateway)]; }
  /// All that is known of the source's paths but the declared strands is of the past.
  void restart(GatewayId gateway) noexcept;

  void set_dead(SourceIndex source, PathId path) noexcept { at(source, path).dead = true; }
  /// Live, and trusted to be FIFO again.
  void set_live(SourceIndex source, PathId path) noexcept;
  /// The path let a packet overtake an earlier one of the same flow.
  void set_reordered(SourceIndex source, PathId path) noexcept;
  [[nodiscard]] bool dead(SourceIndex source, PathId path) const noexcept { return at(source, path).dead; }
  /// What the path delivers proves that what was sent on it before is lost or has come.
  [[nodiscard]] bool fifo(SourceIndex source, PathId path) const noexcept {
    return !at(source, path).reordered;
  }
  /// Packets seen to overtake.
  [[nodiscard]] std::uint32_t violations(SourceIndex source, PathId path) const noexcept {
    return at(source, path).violations;
  }

  /// A packet of any flow, or a probe, has come over the path.
  void hear(SourceIndex source, PathId path, const Departure& departure, Nanoseconds now) noexcept;
  /// The path was heard no longer than `silence` ago.
  [[nodiscard]] bool heard(SourceIndex source, PathId path, Nanoseconds now,
                           Nanoseconds silence) const noexcept {
    return value(now) - value(at(source, path).heard) <= value(silence);
  }
  /// Nothing that the path has brought left the source later than `slack` after `departure`. (Departures are
  /// told before what waits at the source's egress, which may be paused.)
  [[nodiscard]] bool behind(SourceIndex source, PathId path, const Departure& departure,
                            Nanoseconds slack) const noexcept;

  /// All paths of the source are late.
  void set_congested(SourceIndex source, Nanoseconds now) noexcept {
    sources_[value(source)].congested = now;
  }
  /// They were, no longer than `span` ago.
  [[nodiscard]] bool congested(SourceIndex source, Nanoseconds now, Nanoseconds span) const noexcept {
    return value(now) - value(sources_[value(source)].congested) <= value(span);
  }

  /// The path keeps first in, first out across flows. False if there is no room for another strand.
  bool declare_strand(SourceIndex source, PathId path) noexcept;
  /// A packet of any flow, or a probe, has come over the path. Answers whether that is news about a strand.
  bool observe(SourceIndex source, PathId path, const Departure& departure, Nanoseconds now) noexcept;
  /// On the strand a packet has come that left the same lane and priority strictly after `departure`, within
  /// the last second: whatever left before has come over this path or never will.
  [[nodiscard]] bool passed(SourceIndex source, PathId path, const Departure& departure,
                            Nanoseconds now) const noexcept;

 private:
  static constexpr std::int64_t youth =
      1'000'000'000;  ///< ns; beyond it the source's 32 bits (4.3 s) lose meaning

  struct Path {
    std::uint32_t violations = 0;
    std::uint16_t strand = 0;  ///< its number, from 1 on; 0: none
    bool dead = false;
    bool reordered = false;
    Nanoseconds heard{-2 * youth};  ///< when last
    std::uint32_t departed = 0;     ///< latest departure of what was heard
  };
  struct Mark {
    Nanoseconds seen{-2 * youth};
    std::uint32_t departed = 0;
  };
  struct Strand {
    std::array<Mark, std::size_t{max_lanes} * max_priorities> marks{};

    [[nodiscard]] static std::size_t of(const Departure& departure) noexcept {
      return (value(departure.lane) % max_lanes) * max_priorities + departure.priority % max_priorities;
    }
  };
  struct Source {
    std::array<Path, max_paths_per_peer> paths{};
    Nanoseconds congested{-2 * youth};  ///< when last
  };

  Path& at(SourceIndex source, PathId path) noexcept { return sources_[value(source)].paths[value(path)]; }
  [[nodiscard]] const Path& at(SourceIndex source, PathId path) const noexcept {
    return sources_[value(source)].paths[value(path)];
  }

  std::vector<SourceIndex> index_;   ///< by gateway id
  std::vector<std::uint8_t> boots_;  ///< by gateway id
  std::vector<Source> sources_;      ///< by SourceIndex
  std::vector<Strand> strands_;
  std::size_t sources_used_ = 1;
  std::size_t strands_used_ = 0;
};

}  // namespace braidway::lb
