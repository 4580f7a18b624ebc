#include "bench/fabric/text_file.hpp"

#include <charconv>
#include <cmath>
#include <memory>
#include <zlib.h>

namespace braidway::bench::fabric {
namespace {

constexpr std::size_t max_text_bytes = 1U << 30;
constexpr std::string_view blanks = " \t\r";

std::string read_all(const std::string& name) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file{gzopen(name.c_str(), "rb"), gzclose};
  if (!file) throw InputError(name, 0, "cannot be opened");
  std::string text;
  std::string chunk(1U << 16, '\0');
  for (;;) {
    const int got = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()));
    if (got < 0) throw InputError(name, 0, "cannot be read");
    if (got == 0) {
      int error = Z_OK;
      static_cast<void>(gzerror(file.get(), &error));
      if (error == Z_BUF_ERROR) throw InputError(name, 0, "ends in the middle of its gzip data");
      return text;
    }
    text.append(chunk, 0, static_cast<std::size_t>(got));
    if (text.size() > max_text_bytes) throw InputError(name, 0, "is larger than 1 GiB");
  }
}

template <typename Number>
bool parse(std::string_view word, Number& number) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc{} && end == word.data() + word.size();
}

std::string brief(double number) {
  std::string text(32, '\0');
  text.resize(static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%g", number)));
  return text;
}

}  // namespace

TextFile::TextFile(const std::string& name) : name_(name), text_(read_all(name)) {}

bool TextFile::next_line() {
  words_.clear();
  while (words_.empty() && at_ < text_.size()) {
    ++line_;
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view line{text_.data() + at_, end - at_};
    at_ = end + 1;
    for (std::size_t from = line.find_first_not_of(blanks); from != std::string_view::npos;) {
      const std::size_t to = std::min(line.find_first_of(blanks, from), line.size());
      words_.push_back(line.substr(from, to - from));
      from = line.find_first_not_of(blanks, to);
    }
  }
  return !words_.empty();
}

const std::vector<std::string_view>& TextFile::expect(std::size_t count, std::string_view expected) {
  if (!next_line()) fail("the file ends where it should have: " + std::string{expected});
  if (words_.size() != count) fail("expected " + std::string{expected});
  return words_;
}

std::uint64_t TextFile::whole(std::string_view word, std::string_view name, std::uint64_t low,
                              std::uint64_t high) const {
  std::uint64_t number = 0;
  if (!parse(word, number) || number < low || number > high) {
    fail(std::string{name} + " is " + std::string{word} + ", not a whole number from " + std::to_string(low) +
         " to " + std::to_string(high));
  }
  return number;
}

double TextFile::decimal(std::string_view word, std::string_view name, double low, double high) const {
  double number = 0;
  if (!parse(word, number) || !std::isfinite(number) || number < low || number > high) {
    fail(std::string{name} + " is " + std::string{word} + ", not a number from " + brief(low) + " to " +
         brief(high));
  }
  return number;
}

}  // namespace braidway::bench::fabric
