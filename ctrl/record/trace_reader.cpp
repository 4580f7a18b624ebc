#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "ctrl/record/trace_file.hpp"
#include "ctrl/record/trace_format.hpp"

namespace braidway::ctrl::record {
namespace {

struct Block {
  std::uint32_t kind = 0;
  std::size_t begins = 0;  ///< its bytes in the file
  std::size_t bytes = 0;
  [[nodiscard]] std::size_t ends() const noexcept { return begins + bytes + checksum_bytes; }
};

/// The next message of `paths`, into them; false: these bytes are none.
bool take_message(Taker& from, std::span<Heard> paths, lb::Nanoseconds& time) noexcept {
  const auto when = from.number<std::int64_t>();
  const auto mask = from.take(mask_bytes(paths.size()));
  if (!when || !mask) return false;
  time = lb::Nanoseconds{*when};
  for (std::size_t i = 0; i < mask->size() * 8; ++i) {
    const bool said = ((*mask)[i / 8] & std::byte{1} << (i % 8)) != std::byte{0};
    if (i >= paths.size()) {
      if (said) return false;
      continue;
    }
    paths[i] = {.told = said};
    if (!said) continue;
    const auto bytes = from.number<std::uint32_t>();
    const auto least = from.number<std::uint32_t>();
    const auto mean = from.number<std::uint32_t>();
    const auto utilisation = from.number<std::uint8_t>();
    if (!utilisation) return false;
    paths[i] = {.bytes = *bytes,
                .least_delay_ns = delay_of(*least),
                .mean_delay_ns = delay_of(*mean),
                .utilisation = utilisation_of(*utilisation),
                .told = true};
  }
  return true;
}

std::optional<std::string> take_name(Taker& from) {
  const auto length = from.number<std::uint8_t>();
  const auto raw = from.take(length.value_or(0));
  if (!length || !raw) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(raw->data()), raw->size());
}

std::optional<TraceHeader> take_header(Taker& from) {
  const auto gateway = take_name(from);
  const auto peer = take_name(from);
  const auto paths = from.number<std::uint16_t>();
  if (!gateway || !peer || !paths || *paths > lb::max_paths_per_peer) return std::nullopt;
  TraceHeader header{.gateway = *gateway, .peer = *peer, .paths = {}};
  for (unsigned i = 0; i < *paths; ++i) {
    auto name = take_name(from);
    const auto capacity = from.number<double>();
    if (!name || !capacity) return std::nullopt;
    header.paths.push_back({.name = std::move(*name), .capacity = *capacity});
  }
  if (from.left() > 0 || !defect(header).empty()) return std::nullopt;
  return header;
}

}  // namespace

/// Checks a file's bytes, block by block.
class TraceParser {
 public:
  TraceParser(std::string name, std::vector<std::byte> bytes) : name_(std::move(name)) {
    trace_.bytes_ = std::move(bytes);
  }

  tl::expected<Trace, std::string> parse(Trace::CutShort cut_short) {
    if (auto begun = preamble(); !begun) return tl::unexpected(begun.error());
    for (std::size_t at = preamble_bytes; !ended_;) {
      if (at_end(at)) {
        if (cut_short == Trace::CutShort::refuse || trace_.header_.paths.empty()) return cut(at);
        trace_.cut_short_ = true;
        return std::move(trace_);
      }
      auto next = block(at).and_then([&](const Block& of) { return take(at, of); });
      if (!next) return tl::unexpected(next.error());
      at = *next;
    }
    return std::move(trace_);
  }

 private:
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t from, std::size_t count) const {
    return std::span{trace_.bytes_}.subspan(from, count);
  }
  template <typename Number>
  [[nodiscard]] Number number(std::size_t at) const {
    return load<Number>(bytes(at, sizeof(Number)).data());
  }
  [[nodiscard]] tl::unexpected<std::string> wrong(std::size_t at, const std::string& what) const {
    return tl::unexpected(name_ + ": byte " + std::to_string(at) + ": " + what);
  }
  [[nodiscard]] tl::unexpected<std::string> damaged(std::size_t at, const std::string& what) const {
    return wrong(at,
                 what + ": the trace is damaged; copy it anew from where it was recorded, or record it anew");
  }
  [[nodiscard]] tl::unexpected<std::string> cut(std::size_t whole) const {
    const std::string what =
        "the trace is cut short there, at " + std::to_string(trace_.bytes_.size()) +
        " bytes in all; copy it anew if it is whole elsewhere, and end a recording before"
        " its gateway";
    return wrong(whole, trace_.header_.paths.empty() ? what + "; nothing of this one can be used"
                                                     : what + "; --cut-short takes what is whole");
  }

  tl::expected<void, std::string> preamble() {
    const auto magic = std::as_bytes(std::span{trace_magic});
    const std::size_t present = std::min(trace_.bytes_.size(), magic.size());
    if (!std::ranges::equal(bytes(0, present), magic.first(present))) {
      return wrong(0, "this is no trace of Braidway's; `braidwayctl record` makes them");
    }
    if (trace_.bytes_.size() < preamble_bytes) return cut(0);
    const auto version = number<std::uint32_t>(trace_magic.size());
    if (version != trace_version) {
      return wrong(trace_magic.size(),
                   "the trace is of version " + std::to_string(version) + ", and only version " +
                       std::to_string(trace_version) +
                       " can be read; read it with the release that recorded it, or record"
                       " it anew");
    }
    return {};
  }

  /// The file has no whole block there. Where the length of one of the last was damaged it looks the same.
  [[nodiscard]] bool at_end(std::size_t at) const {
    const std::size_t left = trace_.bytes_.size() - at;
    if (left < block_head_bytes + checksum_bytes) return true;
    const std::size_t length = number<std::uint32_t>(at + sizeof(std::uint32_t));
    return length <= most_block_bytes && length > left - block_head_bytes - checksum_bytes;
  }

  tl::expected<Block, std::string> block(std::size_t at) const {
    const Block of{.kind = number<std::uint32_t>(at),
                   .begins = at + block_head_bytes,
                   .bytes = number<std::uint32_t>(at + sizeof(std::uint32_t))};
    if (of.bytes > most_block_bytes) return damaged(at, "a block of " + std::to_string(of.bytes) + " bytes");
    if (checksum(bytes(at, block_head_bytes + of.bytes)) != number<std::uint32_t>(of.begins + of.bytes)) {
      return damaged(at, "the checksum of the block is wrong");
    }
    return of;
  }

  /// Where the next one begins.
  tl::expected<std::size_t, std::string> take(std::size_t at, const Block& of) {
    const bool first = at == preamble_bytes;
    if (first != (of.kind == header_block)) return damaged(at, "a block of another kind was due");
    Taker from(bytes(of.begins, of.bytes));
    if (of.kind == header_block) {
      auto header = take_header(from);
      if (!header) return damaged(at, "names or paths that cannot be");
      trace_.header_ = std::move(*header);
      scratch_.resize(trace_.header_.paths.size());
    } else if (of.kind == message_block) {
      if (of.bytes == 0) return damaged(at, "a block without messages");
      for (lb::Nanoseconds ignored{}; from.left() > 0; ++trace_.messages_) {
        if (!take_message(from, scratch_, ignored)) return damaged(at, "a message that is none");
      }
      trace_.blocks_.emplace_back(of.begins, of.bytes);
    } else if (of.kind == end_block) {
      if (from.number<std::uint64_t>() != trace_.messages_ || from.left() > 0) {
        return damaged(at, "another number of messages than there are");
      }
      if (of.ends() != trace_.bytes_.size()) return damaged(of.ends(), "something behind the end");
      ended_ = true;
    } else {
      return damaged(at, "a block of kind " + std::to_string(of.kind));
    }
    return of.ends();
  }

  std::string name_;
  Trace trace_;
  std::vector<Heard> scratch_;
  bool ended_ = false;
};

tl::expected<Trace, std::string> Trace::parse(const std::string& name, std::vector<std::byte> bytes,
                                              CutShort cut_short) {
  return TraceParser(name, std::move(bytes)).parse(cut_short);
}

tl::expected<Trace, std::string> Trace::read(const std::string& file, CutShort cut_short) {
  const auto failed = [&] { return tl::unexpected(file + ": " + std::strerror(errno)); };
  // A FIFO must not make anybody wait for its writer.
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return failed();
  const auto close = [](const int* open) { ::close(*open); };
  const std::unique_ptr<const int, decltype(close)> closed_at_last(&descriptor, close);
  struct stat about{};
  if (::fstat(descriptor, &about) != 0) return failed();
  if (!S_ISREG(about.st_mode)) return tl::unexpected(file + ": not a file; name one that holds a trace");
  std::vector<std::byte> bytes(static_cast<std::size_t>(about.st_size));
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(descriptor, bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed();
    if (got == 0) break;  // somebody cut it meanwhile
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return parse(file, std::move(bytes), cut_short);
}

TraceMessages::TraceMessages(const Trace& trace) : trace_(trace), paths_(trace.header().paths.size()) {}

std::optional<TraceMessage> TraceMessages::next() noexcept {
  if (block_ < trace_.blocks_.size() && at_ == trace_.blocks_[block_].second) {
    ++block_;
    at_ = 0;
  }
  if (block_ == trace_.blocks_.size()) return std::nullopt;
  const auto [begins, bytes] = trace_.blocks_[block_];
  Taker from(std::span{trace_.bytes_}.subspan(begins, bytes).subspan(at_));
  TraceMessage message{.time = {}, .paths = paths_};
  // The parser took the same before.
  if (!take_message(from, paths_, message.time)) return std::nullopt;
  at_ = bytes - from.left();
  return message;
}

}  // namespace braidway::ctrl::record
