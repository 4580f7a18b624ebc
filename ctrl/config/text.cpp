#include "ctrl/config/text.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "ctrl/config/yaml.hpp"

namespace braidway::ctrl {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

/// Length of the UTF-8 sequence that `rest` begins with; 0 if it is none.
std::size_t sequence_length(std::string_view rest) {
  const auto first = static_cast<unsigned char>(rest[0]);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || rest.size() < length) {
    return 0;
  }
  if (!std::ranges::all_of(rest.substr(1, length - 1), is_continuation)) {
    return 0;
  }
  // Overlong forms, surrogates, beyond U+10FFFF: decided by the second byte (RFC 3629, section 4).
  const auto second = static_cast<unsigned char>(rest[1]);
  const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                     (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return wrong ? 0 : length;
}

bool is_control(std::string_view rest) {
  const auto byte = static_cast<unsigned char>(rest[0]);
  if (byte == '\r') {
    return rest.size() < 2 || rest[1] != '\n';
  }
  return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f;
}

std::string in_hex(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return std::string("0x") + digits[byte >> 4U] + digits[byte & 0xfU];
}

std::size_t characters(std::string_view bytes) {
  return static_cast<std::size_t>(std::ranges::count_if(bytes, [](char c) { return !is_continuation(c); }));
}

}  // namespace

Text::Text(std::string_view bytes) : bytes_(bytes), starts_{0} {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n') {
      starts_.push_back(i + 1);
    }
  }
}

tl::expected<Text, Problem> Text::from_bytes(std::string_view raw) {
  if (raw.starts_with("\xef\xbb\xbf")) {
    raw.remove_prefix(3);
  }
  std::size_t line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < raw.size();) {
    const std::string_view rest = raw.substr(i);
    const std::size_t length = sequence_length(rest);
    if (length == 0 || is_control(rest)) {
      const Location here{line, characters(raw.substr(line_start, i - line_start)) + 1};
      const std::string what = length == 0 ? "is not UTF-8" : "is a control character";
      return tl::unexpected<Problem>(
          {here, "byte " + in_hex(raw[i]) + " " + what + "; a configuration is YAML text in UTF-8"});
    }
    i += length;
    if (rest[0] == '\n') {
      ++line;
      line_start = i;
    }
  }
  return Text(raw);
}

std::string_view Text::line(std::size_t number) const {
  if (number == 0 || number > starts_.size()) {
    return {};
  }
  const std::size_t start = starts_[number - 1];
  const std::size_t end = number < starts_.size() ? starts_[number] : bytes_.size();
  return bytes_.substr(start, end - start);
}

Location locate(const Text& text, int line, int column) {
  const std::size_t number = static_cast<std::size_t>(std::max(line, 0)) + 1;
  const std::size_t bytes = static_cast<std::size_t>(std::max(column, 0));
  return {number, characters(text.line(number).substr(0, bytes)) + 1};
}

}  // namespace braidway::ctrl
