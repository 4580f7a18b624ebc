#include "ctrl/config/config.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <tuple>
#include <unistd.h>
#include <utility>

#include "ctrl/config/assemble.hpp"
#include "ctrl/config/decode.hpp"
#include "ctrl/config/validate.hpp"
#include "ctrl/config/words.hpp"
#include "ctrl/config/yaml.hpp"

namespace braidway::ctrl {
namespace {

using Errors = std::vector<ConfigError>;

constexpr std::size_t largest_file = 1024UL * 1024UL;
constexpr std::size_t most_errors = 50;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::string too_large() { return "larger than 1 MiB; a configuration has at most 1048576 bytes"; }

/// Error: why, and what would be right.
tl::expected<std::string, std::string> read_file(const std::string& file) {
  const FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (fd.get() < 0 || ::fstat(fd.get(), &status) != 0) {
    return tl::unexpected<std::string>("cannot be read: " + std::generic_category().message(errno) +
                                       "; give the path of a configuration that this user may read");
  }
  if (S_ISDIR(status.st_mode)) {
    return tl::unexpected<std::string>("is a directory; give the path of a configuration file");
  }
  std::string text;
  std::array<char, 65536> buffer{};
  while (text.size() <= largest_file) {
    const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size == 0) {
      return text;
    }
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0) {
      return tl::unexpected<std::string>("cannot be read: " + std::generic_category().message(errno) +
                                         "; give the path of a configuration file");
    }
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return tl::unexpected<std::string>(too_large());
}

/// In file order, the first ones only.
Errors errors_in(const std::string& file, std::vector<Problem> problems) {
  std::ranges::stable_sort(problems, {}, [](const Problem& p) { return std::tuple(p.at.line, p.at.column); });
  const std::size_t shown = std::min(problems.size(), most_errors);
  Errors errors;
  for (std::size_t i = 0; i < shown; ++i) {
    errors.push_back({file, problems[i].at.line, problems[i].at.column, std::move(problems[i].what)});
  }
  if (shown < problems.size()) {
    errors.back().what += " (and " + std::to_string(problems.size() - shown) + " errors more)";
  }
  return errors;
}

}  // namespace

std::string ConfigError::to_string() const {
  return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + what;
}

tl::expected<Config, Errors> parse_config(std::string_view text, const std::string& file_name) {
  if (text.size() > largest_file) {
    return tl::unexpected(errors_in(file_name, {{{}, too_large()}}));
  }
  auto document = parse_yaml(text);
  if (!document) {
    return tl::unexpected(errors_in(file_name, {document.error()}));
  }
  if (document->root.kind == Node::Kind::null) {
    return tl::unexpected(errors_in(
        file_name, {{{}, "the file is empty; a configuration begins with gateway: {name: gw-a, id: 1}"}}));
  }
  std::vector<Problem> problems = std::move(document->problems);
  const Draft draft = decode(document->root, problems);
  validate(draft, problems);
  if (!problems.empty()) {
    return tl::unexpected(errors_in(file_name, std::move(problems)));
  }
  Config config = assemble(draft);
  config.file = file_name;
  config.text = text;
  return config;
}

tl::expected<Config, Errors> load_config(const std::string& file) {
  const auto text = read_file(file);
  if (!text) {
    return tl::unexpected(errors_in(file, {{{}, text.error()}}));
  }
  return parse_config(*text, file);
}

}  // namespace braidway::ctrl
