// Input files of lines of words, plain or gzip. What is wrong is said as `file:line: what`, by exception:
// reading is start-up work, and main catches it. Any thread, one reader each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace braidway::bench::fabric {

/// An input that cannot be used. what() is `file:line: what is wrong`, without the line where none was read.
class InputError : public std::runtime_error {
 public:
  InputError(const std::string& file, std::size_t line, const std::string& what)
      : std::runtime_error(file + (line == 0 ? ": " : ":" + std::to_string(line) + ": ") + what) {}
};

class TextFile {
 public:
  /// Reads it all; at most 1 GiB.
  explicit TextFile(const std::string& name);

  /// Moves to the next line that is not blank; false after the last.
  bool next_line();
  /// The words of the present line. Valid until the next next_line().
  [[nodiscard]] const std::vector<std::string_view>& words() const noexcept { return words_; }
  /// The next line, which must exist and have `count` words; else an error that says `expected`.
  const std::vector<std::string_view>& expect(std::size_t count, std::string_view expected);

  /// A whole number from `low` to `high`, or an error that calls it `name`.
  [[nodiscard]] std::uint64_t whole(std::string_view word, std::string_view name, std::uint64_t low,
                                    std::uint64_t high) const;
  /// A decimal number from `low` to `high`, or an error that calls it `name`.
  [[nodiscard]] double decimal(std::string_view word, std::string_view name, double low, double high) const;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Of the present line, from 1.
  [[nodiscard]] std::size_t line() const noexcept { return line_; }
  [[noreturn]] void fail(const std::string& what) const { throw InputError(name_, line_, what); }

 private:
  std::string name_;
  std::string text_;
  std::size_t at_ = 0;
  std::size_t line_ = 0;
  std::vector<std::string_view> words_;
};

}  // namespace braidway::bench::fabric
