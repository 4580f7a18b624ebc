// Traces: what a peer's messages said of its paths, message by message, as model::LoadBins::hear takes it; so
// that models can be judged on the same data again.
//
// The file, all numbers little-endian:
//
//     "BWTRACE\n", version (32)
//     blocks: kind (32), bytes (32), that many bytes, CRC-32 of the three as zlib has it (32)
//       1, the first       gateway's name, peer's name, paths (16); of each its name, capacity (double, bytes
//       a
//                          nanosecond, 0: not known). A name is its length (8) and its characters
//       2                  messages one after the other: time (64, ns of a steady clock), a bit for each path
//                          that it says something of (whole bytes, the first path lowest); of each such path
//                          bytes (32, all ones: at least), least and mean delay (32 each, ns, all ones: none
//                          came), utilisation of the busiest hop (8, in 254ths, 255: not told)
//       3, the last        messages in the file (64)
//
// A message about 16 paths is 218 bytes, about 256 paths 3,368; one that says nothing of any 10 or 40. Blocks
// are of 32 KiB or a second; each has 12 bytes of its own. A file without its last block was cut short.
//
// Source: own format. Whatever changes a file's meaning takes another version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "ctrl/model/load_bins.hpp"
#include "lb/types.hpp"

namespace braidway::ctrl::record {

using Heard = model::LoadBins::Heard;

struct TracePath {
  std::string name;
  double capacity = 0;  ///< bytes a nanosecond, 1e-9 to 1e9; 0: not known
};

/// Names are of 1 to 255 printable characters without blanks; paths are 1 to 256.
struct TraceHeader {
  std::string gateway;  ///< that recorded
  std::string peer;     ///< whose messages these are
  std::vector<TracePath> paths;
};

/// Owner: one thread, which may have to wait for the disk once a block. All memory at construction.
class TraceWriter {
 public:
  /// A file that is there already is left alone and is an error; the new one is its owner's alone (0600).
  /// Error: one sentence naming the file.
  static tl::expected<TraceWriter, std::string> create(const std::string& file, const TraceHeader& header);
  ~TraceWriter();  ///< as close(), but nobody learns of errors
  TraceWriter(TraceWriter&& other) noexcept;
  TraceWriter& operator=(TraceWriter&&) = delete;

  /// A message: `paths` as many as the header's; what is missing said nothing. Error, once: one sentence
  /// naming a file that could not be written; what comes after that is not recorded, and is no error.
  tl::expected<void, std::string> append(lb::Nanoseconds now, std::span<const Heard> paths) noexcept;
  /// Marks the end. Error, also of any append before: one sentence naming a file that does not hold all.
  tl::expected<void, std::string> close() noexcept;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }

 private:
  TraceWriter(std::string name, int descriptor, std::size_t paths);
  tl::expected<void, std::string> write(std::span<const std::byte> bytes) noexcept;
  tl::expected<void, std::string> end_block(std::uint32_t kind) noexcept;
  tl::expected<void, std::string> flush() noexcept;

  std::string name_;
  int descriptor_;
  std::size_t paths_;
  std::vector<std::byte> block_;    ///< that is being filled, with room for what is before it
  lb::Nanoseconds block_begins_{};  ///< time of the first message in it
  std::uint64_t messages_ = 0;
  std::string failure_;  ///< empty: none
};

/// A file's messages. Immutable; any thread. Takes as much memory as the file has bytes.
class Trace {
 public:
  /// What becomes of a file without its end, as a gateway leaves it that was killed.
  enum class CutShort : std::uint8_t { refuse, take_whole_blocks };
  /// All of the file is checked. Error: `FILE: byte N: what is wrong; what to do`.
  static tl::expected<Trace, std::string> read(const std::string& file,
                                               CutShort cut_short = CutShort::refuse);
  /// The same of a file's bytes; `name` for the error.
  static tl::expected<Trace, std::string> parse(const std::string& name, std::vector<std::byte> bytes,
                                                CutShort cut_short = CutShort::refuse);

  [[nodiscard]] const TraceHeader& header() const noexcept { return header_; }
  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
  /// The end is missing.
  [[nodiscard]] bool cut_short() const noexcept { return cut_short_; }

 private:
  friend class TraceMessages;
  friend class TraceParser;
  Trace() = default;

  TraceHeader header_;
  std::vector<std::byte> bytes_;
  std::vector<std::pair<std::size_t, std::size_t>> blocks_;  ///< of messages: where, bytes
  std::uint64_t messages_ = 0;
  bool cut_short_ = false;
};

struct TraceMessage {
  lb::Nanoseconds time{};
  std::span<const Heard> paths;  ///< as many as the header's; good until the next one
};

/// Goes through a trace, from its first message to its last. The trace must live as long.
class TraceMessages {
 public:
  explicit TraceMessages(const Trace& trace);
  std::optional<TraceMessage> next() noexcept;

 private:
  const Trace& trace_;
  std::vector<Heard> paths_;
  std::size_t block_ = 0;
  std::size_t at_ = 0;  ///< in the block
};

}  // namespace braidway::ctrl::record
