#include "ctrl/config/key_file.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <fcntl.h>
#include <fmt/format.h>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "ctrl/config/words.hpp"
#include "dataplane/unique_fd.hpp"

namespace braidway::ctrl {
namespace {

constexpr std::size_t digits = 2 * telemetry::MessageKey{}.bytes.size();
constexpr mode_t others = S_IRWXG | S_IRWXO;

/// Nothing: these are not exactly so many digits.
std::optional<telemetry::MessageKey> key_in(std::string_view text) {
  telemetry::MessageKey key;
  if (text.size() != digits) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < key.bytes.size(); ++i) {
    const char* two = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(two, two + 2, key.bytes[i], 16);
    if (error != std::errc{} || end != two + 2) {
      return std::nullopt;
    }
  }
  return key;
}

}  // namespace

tl::expected<telemetry::MessageKey, std::string> read_key(const std::string& path) {
  const std::string file = "key file " + in_quotes(path);
  const dataplane::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (fd.get() < 0 || ::fstat(fd.get(), &status) != 0) {
    return tl::unexpected(
        fmt::format("{} cannot be read: {}; make one with: (umask 077; openssl rand -hex 16 > {})", file,
                    std::generic_category().message(errno), path));
  }
  if (!S_ISREG(status.st_mode)) {
    return tl::unexpected(file + " is no file; name one with " + std::to_string(digits) +
                          " hexadecimal digits");
  }
  if ((status.st_mode & others) != 0) {
    return tl::unexpected(
        fmt::format("{} is open to others (mode {:04o}), who could steer all traffic; chmod 600 {}", file,
                    status.st_mode & 07777U, path));
  }
  std::array<char, digits + 2> text{};
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  std::string_view read{text.data(), size < 0 ? 0U : static_cast<std::size_t>(size)};
  if (read.ends_with('\n')) {
    read.remove_suffix(1);
  }
  const auto key = key_in(read);
  if (!key) {
    return tl::unexpected(
        fmt::format("{} does not hold exactly {} hexadecimal digits; make one with: openssl rand "
                    "-hex 16, and copy it to the other gateway",
                    file, digits));
  }
  return *key;
}

std::vector<ConfigError> read_keys(Config& config) {
  std::vector<ConfigError> errors;
  for (std::size_t i = 0; i < config.key_files.size(); ++i) {
    const auto& file = config.key_files[i];
    auto& messages = config.gateway.peers[i].messages;
    if (!file || !messages) {
      continue;
    }
    if (const auto key = read_key(file->path)) {
      messages->key = *key;
    } else {
      errors.push_back({config.file, file->at.line, file->at.column, key.error()});
    }
  }
  return errors;
}

}  // namespace braidway::ctrl
