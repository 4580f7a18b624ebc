// libFuzzer over trace files: any bytes are refused with a sentence that names the file, or read, and then
// there are as many messages as it says. Once as they are, and once with the preamble and the checksums made
// right, or nothing would ever get past them.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "ctrl/record/trace_format.hpp"
#include "tests/fuzz/require.hpp"

namespace braidway::tests {
namespace {

using namespace ctrl::record;
using Bytes = std::vector<std::byte>;

void check_messages(const Trace& trace) {
  require(defect(trace.header()).empty(), "a header that could be written");
  TraceMessages reading(trace);
  std::uint64_t read = 0;
  while (const auto message = reading.next()) {
    ++read;
    require(message->paths.size() == trace.header().paths.size(), "each message is about the header's paths");
    for (const Heard& path : message->paths) {
      require(path.least_delay_ns >= -1 && path.mean_delay_ns >= -1, "delays are delays");
      require(path.utilisation == -1 || (path.utilisation >= 0 && path.utilisation <= 1),
              "a share is a share");
    }
  }
  require(read == trace.messages(), "there are as many messages as it says");
}

void check(const Bytes& bytes) {
  const auto trace = Trace::parse("FILE", bytes);
  const auto rest = Trace::parse("FILE", bytes, Trace::CutShort::take_whole_blocks);
  if (trace) {
    check_messages(*trace);
    require(!trace->cut_short(), "what was cut short is refused");
    require(rest && !rest->cut_short() && rest->messages() == trace->messages(), "who takes less takes all");
    return;
  }
  require(trace.error().starts_with("FILE: byte "), "it is said where");
  if (!rest) return;
  require(rest->cut_short(), "what is damaged is refused");
  check_messages(*rest);
}

/// Blocks have the checksums of what is in them, as far as their lengths go.
void repair(Bytes& bytes) {
  if (bytes.size() < preamble_bytes) return;
  std::memcpy(bytes.data(), trace_magic.data(), trace_magic.size());
  std::memcpy(bytes.data() + trace_magic.size(), &trace_version, sizeof trace_version);
  std::size_t at = preamble_bytes;
  while (bytes.size() - at >= block_head_bytes + checksum_bytes) {
    const auto length = load<std::uint32_t>(&bytes[at + sizeof(std::uint32_t)]);
    if (length > bytes.size() - at - block_head_bytes - checksum_bytes) return;
    const std::uint32_t right = checksum(std::span{bytes}.subspan(at, block_head_bytes + length));
    std::memcpy(&bytes[at + block_head_bytes + length], &right, sizeof right);
    at += block_head_bytes + length + checksum_bytes;
  }
}

}  // namespace
}  // namespace braidway::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* from = reinterpret_cast<const std::byte*>(data);
  braidway::tests::Bytes bytes(from, from + size);
  braidway::tests::check(bytes);
  braidway::tests::repair(bytes);
  braidway::tests::check(bytes);
  return 0;
}
