// Captures on disk, read and written through libpcap. Control threads only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <pcap/pcap.h>
#include <tl/expected.hpp>

namespace braidway::dataplane {

struct ClosePcap {
  void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
  void operator()(pcap_dumper_t* file) const noexcept { pcap_dump_close(file); }
};

struct CapturedFrame {
  std::uint64_t when_ns = 0;         ///< since 1970
  std::span<const std::byte> bytes;  ///< valid until the next read
};

class PcapReader {
 public:
  /// Error: `FILE: what`. Only Ethernet captures are taken.
  static tl::expected<PcapReader, std::string> open(const std::string& file);
  /// The next frame; nothing at the end. Error: `FILE: frame N: what`, for a broken file or a frame cut by
  /// the capture.
  tl::expected<std::optional<CapturedFrame>, std::string> next();

 private:
  PcapReader(std::string file, pcap_t* handle) : file_(std::move(file)), handle_(handle) {}
  std::string file_;
  std::unique_ptr<pcap_t, ClosePcap> handle_;
  std::uint64_t frames_ = 0;
};

class PcapWriter {
 public:
  /// What becomes of a file that is there already. `refuse` is for those who may not choose what is
  /// overwritten: it follows no link, waits for no FIFO's reader, and the new file is its owner's alone
  /// (0600).
  enum class Existing : std::uint8_t { overwrite, refuse };
  /// Error: one sentence naming the file.
  static tl::expected<PcapWriter, std::string> create(const std::string& file,
                                                      Existing existing = Existing::overwrite);
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  void write(std::uint64_t when_ns, std::span<const std::byte> frame);
  /// Hands everything to the kernel. Error, also of any write before: one sentence naming the file.
  tl::expected<void, std::string> flush();

 private:
  PcapWriter(std::string name, pcap_t* handle, pcap_dumper_t* file)
      : name_(std::move(name)), handle_(handle), file_(file) {}
  std::string name_;
  std::unique_ptr<pcap_t, ClosePcap> handle_;
  std::unique_ptr<pcap_dumper_t, ClosePcap> file_;
};

}  // namespace braidway::dataplane
