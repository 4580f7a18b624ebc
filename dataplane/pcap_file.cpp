#include "dataplane/pcap_file.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace braidway::dataplane {
namespace {

constexpr int longest_frame = 65'535;
constexpr std::uint64_t ns_per_second = 1'000'000'000;

/// Nothing, and errno says why, if anything of that name exists.
std::FILE* create_new(const std::string& file) {
  const int descriptor =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) {
    return nullptr;
  }
  std::FILE* stream = ::fdopen(descriptor, "wb");
  if (stream == nullptr) {
    const int why = errno;
    ::close(descriptor);
    ::unlink(file.c_str());
    errno = why;
  }
  return stream;
}

}  // namespace

tl::expected<PcapReader, std::string> PcapReader::open(const std::string& file) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_t* handle =
      pcap_open_offline_with_tstamp_precision(file.c_str(), PCAP_TSTAMP_PRECISION_NANO, error.data());
  if (handle == nullptr) {
    const std::string what(error.data());
    return tl::unexpected(what.starts_with(file) ? what : file + ": " + what);
  }
  PcapReader reader(file, handle);
  if (const int link = pcap_datalink(handle); link != DLT_EN10MB) {
    const char* name = pcap_datalink_val_to_name(link);
    return tl::unexpected(file + ": the capture's link type is " +
                          (name == nullptr ? std::to_string(link) : name) + "; Ethernet (EN10MB) is needed");
  }
  return reader;
}

tl::expected<std::optional<CapturedFrame>, std::string> PcapReader::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  const int got = pcap_next_ex(handle_.get(), &header, &data);
  if (got == PCAP_ERROR_BREAK) {
    return std::nullopt;
  }
  ++frames_;
  const std::string place = file_ + ": frame " + std::to_string(frames_) + ": ";
  if (got != 1) {
    return tl::unexpected(place + pcap_geterr(handle_.get()));
  }
  if (header->caplen != header->len) {
    return tl::unexpected(place + "only " + std::to_string(header->caplen) + " of " +
                          std::to_string(header->len) +
                          " bytes were captured; capture whole frames (tcpdump -s 0)");
  }
  // With nanosecond precision tv_usec holds nanoseconds.
  return CapturedFrame{.when_ns = static_cast<std::uint64_t>(header->ts.tv_sec) * ns_per_second +
                                  static_cast<std::uint64_t>(header->ts.tv_usec),
                       .bytes = {reinterpret_cast<const std::byte*>(data), header->caplen}};
}

tl::expected<PcapWriter, std::string> PcapWriter::create(const std::string& file, Existing existing) {
  std::FILE* stream = existing == Existing::refuse ? create_new(file) : nullptr;
  if (existing == Existing::refuse && stream == nullptr) {
    return tl::unexpected(errno == EEXIST ? file + " exists already; remove it or name another"
                                          : file + ": " + std::strerror(errno));
  }
  pcap_t* handle = pcap_open_dead(DLT_EN10MB, longest_frame);
  pcap_dumper_t* dumper =
      stream == nullptr ? pcap_dump_open(handle, file.c_str()) : pcap_dump_fopen(handle, stream);
  if (dumper == nullptr) {
    const std::string what = pcap_geterr(handle);
    pcap_close(handle);
    return tl::unexpected(what.find(file) != std::string::npos ? what : file + ": " + what);
  }
  return PcapWriter(file, handle, dumper);
}

void PcapWriter::write(std::uint64_t when_ns, std::span<const std::byte> frame) {
  pcap_pkthdr header{};
  header.ts.tv_sec = static_cast<time_t>(when_ns / ns_per_second);
  header.ts.tv_usec = static_cast<suseconds_t>(when_ns % ns_per_second / 1000);
  header.caplen = static_cast<bpf_u_int32>(frame.size());
  header.len = header.caplen;
  pcap_dump(reinterpret_cast<u_char*>(file_.get()), &header, reinterpret_cast<const u_char*>(frame.data()));
}

tl::expected<void, std::string> PcapWriter::flush() {
  // pcap_dump() itself tells of no error, and what errno said of it is gone by now.
  const bool flushed = pcap_dump_flush(file_.get()) == 0;
  const std::string why = flushed ? "" : std::string(" (") + std::strerror(errno) + ")";
  if (!flushed || std::ferror(pcap_dump_file(file_.get())) != 0) {
    return tl::unexpected(name_ + " could not be written to its end" + why + "; is the disk full?");
  }
  return {};
}

}  // namespace braidway::dataplane
