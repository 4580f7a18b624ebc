#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctrl/record/trace_file.hpp"
#include "ctrl/record/trace_format.hpp"

namespace braidway::ctrl::record {
namespace {

/// A block is written out when it has so many bytes, or its messages are of so long: what is lost with a
/// gateway that is killed.
constexpr std::size_t full_block = std::size_t{32} * 1024;
constexpr std::uint64_t longest_block_ns = 1'000'000'000;

void put_name(std::vector<std::byte>& bytes, const std::string& name) {
  put(bytes, static_cast<std::uint8_t>(name.size()));
  const auto raw = std::as_bytes(std::span{name});
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

void put_path(std::vector<std::byte>& bytes, const Heard& of) {
  put(bytes, static_cast<std::uint32_t>(
                 std::min<std::uint64_t>(of.bytes, std::numeric_limits<std::uint32_t>::max())));
  put(bytes, delay_bits(of.least_delay_ns));
  put(bytes, delay_bits(of.mean_delay_ns));
  put(bytes, utilisation_bits(of.utilisation));
}

}  // namespace

TraceWriter::TraceWriter(std::string name, int descriptor, std::size_t paths)
    : name_(std::move(name)), descriptor_(descriptor), paths_(paths) {
  block_.reserve(std::max(most_block_bytes, full_block + most_message_bytes(paths)) + block_head_bytes +
                 checksum_bytes);
  block_.resize(block_head_bytes);
}

TraceWriter::TraceWriter(TraceWriter&& other) noexcept
    : name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      paths_(other.paths_),
      block_(std::move(other.block_)),
      block_begins_(other.block_begins_),
      messages_(other.messages_),
      failure_(std::move(other.failure_)) {}

TraceWriter::~TraceWriter() { (void)close(); }

tl::expected<TraceWriter, std::string> TraceWriter::create(const std::string& file,
                                                           const TraceHeader& header) {
  if (const std::string wrong = defect(header); !wrong.empty()) return tl::unexpected(file + ": " + wrong);
  const int descriptor =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) {
    return tl::unexpected(errno == EEXIST ? file + " exists already; remove it or name another"
                                          : file + ": " + std::strerror(errno));
  }
  TraceWriter writer(file, descriptor, header.paths.size());
  std::vector<std::byte> preamble;
  for (const char each : trace_magic) put(preamble, each);
  put(preamble, trace_version);
  auto& block = writer.block_;
  put_name(block, header.gateway);
  put_name(block, header.peer);
  put(block, static_cast<std::uint16_t>(header.paths.size()));
  for (const TracePath& path : header.paths) {
    put_name(block, path.name);
    put(block, path.capacity);
  }
  const auto written = writer.write(preamble).and_then([&] { return writer.end_block(header_block); });
  if (!written) {
    ::unlink(file.c_str());
    return tl::unexpected(written.error());
  }
  return writer;
}

tl::expected<void, std::string> TraceWriter::write(std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t done = ::write(descriptor_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      failure_ = name_ + " could not be written to its end (" + std::strerror(done < 0 ? errno : ENOSPC) +
                 "); is the disk full?";
      return tl::unexpected(failure_);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return {};
}

tl::expected<void, std::string> TraceWriter::end_block(std::uint32_t kind) noexcept {
  const auto bytes = static_cast<std::uint32_t>(block_.size() - block_head_bytes);
  std::memcpy(block_.data(), &kind, sizeof kind);
  std::memcpy(block_.data() + sizeof kind, &bytes, sizeof bytes);
  put(block_, checksum(block_));
  auto written = write(block_);
  block_.resize(block_head_bytes);
  return written;
}

tl::expected<void, std::string> TraceWriter::flush() noexcept {
  if (block_.size() == block_head_bytes) return {};
  return end_block(message_block);
}

tl::expected<void, std::string> TraceWriter::append(lb::Nanoseconds now,
                                                    std::span<const Heard> paths) noexcept {
  if (descriptor_ < 0 || !failure_.empty()) return {};
  if (block_.size() == block_head_bytes) block_begins_ = now;
  put(block_, value(now));
  const std::size_t mask = block_.size();
  block_.resize(mask + mask_bytes(paths_));
  for (std::size_t i = 0; i < std::min(paths_, paths.size()); ++i) {
    if (!paths[i].told) continue;
    block_[mask + i / 8] |= std::byte{1} << (i % 8);
    put_path(block_, paths[i]);
  }
  ++messages_;
  // A clock that ran backwards ends a block, too.
  const auto spans =
      static_cast<std::uint64_t>(value(now)) - static_cast<std::uint64_t>(value(block_begins_));
  if (block_.size() < full_block && spans < longest_block_ns) return {};
  return flush();
}

tl::expected<void, std::string> TraceWriter::close() noexcept {
  if (descriptor_ < 0) return {};
  if (failure_.empty() && flush()) {
    put(block_, messages_);
    // What failed is in failure_.
    (void)end_block(record::end_block);
  }
  if (::close(std::exchange(descriptor_, -1)) != 0 && failure_.empty()) {
    failure_ = name_ + " could not be closed (" + std::strerror(errno) + "); is the disk full?";
  }
  if (!failure_.empty()) return tl::unexpected(failure_);
  return {};
}

}  // namespace braidway::ctrl::record
