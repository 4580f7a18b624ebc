// The decoder's tables. A map of the configuration is a constexpr array of fields; decoding, the refusal of
// unknown and missing keys, and the list of keys that the schema is compared with all come from that one
// array. Plain values, any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ctrl/config/draft.hpp"
#include "ctrl/config/words.hpp"
#include "ctrl/config/yaml.hpp"

namespace braidway::ctrl {

/// What the decoder knows about one key.
struct KeyInfo {
  std::string path;  ///< `ports[].name`
  bool required = false;
  std::optional<std::uint64_t> minimum;  ///< of a number; of a list: items
  std::optional<std::uint64_t> maximum;
  std::vector<std::string> words;  ///< of a choice
};

using Problems = std::vector<Problem>;

/// One key of a map that is decoded into T.
template <class T>
struct Field {
  std::string_view key;
  bool required;
  std::string (*wants)();  ///< "a number from 1 to 65535"
  void (*decode)(const Node&, T&, Problems&);
  void (*describe)(KeyInfo&,
                   std::vector<KeyInfo>& nested);  ///< fills in what is particular, appends what is below
};

inline constexpr bool required = true;
inline constexpr bool optional = false;

/// A word of a choice and what it means.
template <class E>
struct Word {
  std::string_view word;
  E meaning;
};

template <class>
struct MemberOf;
template <class T, class M>
struct MemberOf<M T::*> {
  using Object = T;
  using Member = M;
};
template <auto member>
using ObjectOf = typename MemberOf<decltype(member)>::Object;
template <auto member>
using ValueOf = typename MemberOf<decltype(member)>::Member;

/// "'one' stands here; a number from 1 to 65535 is wanted"
void refuse_type(const Node& node, const std::string& wanted, Problems& problems);

/// Plain decimal, 0x or 0o, as YAML 1.2 writes integers; nothing for anything else or beyond 64 bits.
[[nodiscard]] std::optional<std::uint64_t> number_in(std::string_view text);
/// 010 is eight to YAML 1.1 and ten to YAML 1.2, so it is neither to us.
[[nodiscard]] bool has_leading_zero(std::string_view text);
/// Whether YAML 1.2 takes an unquoted scalar for a number, a truth value or null rather than for a string.
[[nodiscard]] bool looks_like_no_string(std::string_view text);

template <class T>
void decode_number(const Node& node, std::uint64_t minimum, std::uint64_t maximum, std::string wanted,
                   Given<T>& out, Problems& problems) {
  const bool plain = node.kind == Node::Kind::scalar && !node.quoted;
  const auto number = plain ? number_in(node.text) : std::nullopt;
  if (!number || *number < minimum || *number > maximum) {
    if (plain && has_leading_zero(node.text)) {
      wanted += ", without leading zeros,";
    }
    return refuse_type(node, wanted, problems);
  }
  out = {static_cast<T>(*number), node.at, true};
}

template <class T, std::size_t count>
void decode_map(const Node& node, const std::array<Field<T>, count>& fields, T& out, Problems& problems) {
  std::array<std::string_view, count> keys{};
  std::ranges::transform(fields, keys.begin(), &Field<T>::key);
  if (node.kind != Node::Kind::map) {
    return refuse_type(node, "a map with the keys " + listed(keys), problems);
  }
  out.at = node.at;
  for (const Member& member : node.members) {
    const auto field = std::ranges::find(fields, member.key, &Field<T>::key);
    if (field != fields.end()) {
      field->decode(member.value, out, problems);
      continue;
    }
    const std::string_view near = nearest(member.key, keys);
    problems.push_back({member.at, "unknown key " + in_quotes(member.key) + "; " +
                                       (near.empty() ? "" : "did you mean " + in_quotes(near) + "? ") +
                                       "known here: " + listed(keys)});
  }
  for (const Field<T>& field : fields) {
    const bool given = std::ranges::find(node.members, field.key, &Member::key) != node.members.end();
    if (field.required && !given) {
      problems.push_back({node.at, "key " + in_quotes(field.key) + " is missing; add " +
                                       std::string(field.key) + ": " + field.wants()});
    }
  }
}

template <class T, std::size_t count>
void describe_fields(const std::string& prefix, const std::array<Field<T>, count>& fields,
                     std::vector<KeyInfo>& out) {
  for (const Field<T>& field : fields) {
    KeyInfo info{.path = prefix + std::string(field.key),
                 .required = field.required,
                 .minimum = {},
                 .maximum = {},
                 .words = {}};
    std::vector<KeyInfo> nested;
    field.describe(info, nested);
    out.push_back(std::move(info));
    out.insert(out.end(), nested.begin(), nested.end());
  }
}

template <auto member, std::uint64_t minimum, std::uint64_t maximum>
constexpr auto number(std::string_view key, bool is_required) {
  using T = ObjectOf<member>;
  static_assert(maximum <= std::numeric_limits<typename ValueOf<member>::Value>::max());
  constexpr auto wants = [] {
    return "a number from " + std::to_string(minimum) + " to " + std::to_string(maximum);
  };
  return Field<T>{key, is_required, wants,
                  [](const Node& node, T& out, Problems& problems) {
                    decode_number(node, minimum, maximum, decltype(wants){}(), out.*member, problems);
                  },
                  [](KeyInfo& info, std::vector<KeyInfo>& /*nested*/) {
                    info.minimum = minimum;
                    info.maximum = maximum;
                  }};
}

template <const auto& words>
std::vector<std::string> texts_of() {
  std::vector<std::string> texts;
  for (const auto& word : words) {
    texts.emplace_back(word.word);
  }
  return texts;
}

template <const auto& words>
std::string one_of() {
  std::array<std::string_view, words.size()> names{};
  std::ranges::transform(words, names.begin(), [](const auto& word) { return word.word; });
  return (names.size() > 1 ? "one of " : "") + listed(names);
}

template <const auto& words, class Later, class E>
void decode_word(const Node& node, Later later, Given<E>& out, Problems& problems) {
  const bool is_scalar = node.kind == Node::Kind::scalar;
  const auto found = std::ranges::find_if(words, [&](const auto& w) { return w.word == node.text; });
  if (is_scalar && found != words.end()) {
    out = {found->meaning, node.at, true};
    return;
  }
  const std::string more = is_scalar ? later(node.text) : std::string{};
  if (!more.empty()) {
    return problems.push_back({node.at, more});
  }
  refuse_type(node, one_of<words>(), problems);
}

/// `later` answers a wrong word that deserves more than the list of right ones; empty: nothing particular.
template <auto member, const auto& words, auto later>
constexpr auto choice(std::string_view key, bool is_required) {
  using T = ObjectOf<member>;
  return Field<T>{key, is_required, one_of<words>,
                  [](const Node& node, T& out, Problems& problems) {
                    decode_word<words>(node, later, out.*member, problems);
                  },
                  [](KeyInfo& info, std::vector<KeyInfo>& /*nested*/) { info.words = texts_of<words>(); }};
}

template <auto member>
constexpr auto truth(std::string_view key, bool is_required) {
  using T = ObjectOf<member>;
  constexpr auto wants = [] { return std::string("true or false"); };
  return Field<T>{key, is_required, wants,
                  [](const Node& node, T& out, Problems& problems) {
                    const bool plain = node.kind == Node::Kind::scalar && !node.quoted;
                    if (!plain || (node.text != "true" && node.text != "false")) {
                      return refuse_type(node, decltype(wants){}(), problems);
                    }
                    out.*member = {node.text == "true", node.at, true};
                  },
                  [](KeyInfo& /*info*/, std::vector<KeyInfo>& /*nested*/) {}};
}

/// `check` says what is wrong with a text; empty: nothing.
template <auto member, auto check, const auto& wanted>
constexpr auto text(std::string_view key, bool is_required) {
  using T = ObjectOf<member>;
  constexpr auto wants = [] { return std::string(wanted); };
  return Field<T>{
      key, is_required, wants,
      [](const Node& node, T& out, Problems& problems) {
        if (node.kind != Node::Kind::scalar) {
          return refuse_type(node, std::string(wanted), problems);
        }
        if (!node.quoted && looks_like_no_string(node.text)) {
          problems.push_back({node.at, in_quotes(node.text) + " is not text to YAML; put it in quotes"});
          return;
        }
        if (std::string wrong = check(node.text); !wrong.empty()) {
          return problems.push_back({node.at, std::move(wrong)});
        }
        out.*member = {node.text, node.at, true};
      },
      [](KeyInfo& /*info*/, std::vector<KeyInfo>& /*nested*/) {}};
}

template <auto member, const auto& fields>
constexpr auto record(std::string_view key, bool is_required) {
  using T = ObjectOf<member>;
  constexpr auto wants = [] {
    std::array<std::string_view, fields.size()> keys{};
    std::ranges::transform(fields, keys.begin(), [](const auto& field) { return field.key; });
    return "a map with the keys " + listed(keys);
  };
  return Field<T>{
      key, is_required, wants,
      [](const Node& node, T& out, Problems& problems) { decode_map(node, fields, out.*member, problems); },
      [](KeyInfo& info, std::vector<KeyInfo>& nested) { describe_fields(info.path + ".", fields, nested); }};
}

/// Checks the length of a list and hands each item to `decode`.
template <class Decode>
void decode_items(const Node& node, std::uint64_t least, std::uint64_t most, const std::string& wanted,
                  Problems& problems, Decode decode) {
  if (node.kind != Node::Kind::sequence) {
    return refuse_type(node, wanted, problems);
  }
  const std::size_t size = node.items.size();
  if (size < least || size > most) {
    problems.push_back({size > most ? node.items[most].at : node.at,
                        "this list has " + std::to_string(size) + " entries; " + wanted + " is wanted"});
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(size, most); ++i) {
    decode(node.items[i]);
  }
}

template <std::uint64_t least, std::uint64_t most>
std::string wants_list(std::string_view of) {
  const std::string range = least == most ? "exactly " : std::to_string(least) + " to ";
  return "a list of " + range + std::to_string(most) + " " + std::string(of);
}

template <auto member, const auto& fields, const auto& noun, std::uint64_t least, std::uint64_t most>
constexpr auto list(std::string_view key, bool is_required) {
  using T = ObjectOf<member>;
  constexpr auto wants = [] { return wants_list<least, most>(noun); };
  return Field<T>{key, is_required, wants,
                  [](const Node& node, T& out, Problems& problems) {
                    decode_items(node, least, most, decltype(wants){}(), problems, [&](const Node& item) {
                      auto& element = (out.*member).emplace_back();
                      element.at = item.at;
                      decode_map(item, fields, element, problems);
                    });
                  },
                  [](KeyInfo& info, std::vector<KeyInfo>& nested) {
                    info.minimum = least;
                    info.maximum = most;
                    describe_fields(info.path + "[].", fields, nested);
                  }};
}

/// A list of words.
template <auto member, const auto& words, const auto& noun>
constexpr auto choices(std::string_view key, bool is_required) {
  using T = ObjectOf<member>;
  constexpr auto wants = [] { return wants_list<1, words.size()>(noun) + ": " + one_of<words>(); };
  constexpr auto no_more = [](std::string_view /*word*/) { return std::string{}; };
  return Field<T>{key, is_required, wants,
                  [](const Node& node, T& out, Problems& problems) {
                    decode_items(node, 1, words.size(), decltype(wants){}(), problems, [&](const Node& item) {
                      decode_word<words>(item, decltype(no_more){}, (out.*member).emplace_back(), problems);
                    });
                  },
                  [](KeyInfo& info, std::vector<KeyInfo>& nested) {
                    info.minimum = 1;
                    info.maximum = words.size();
                    nested.push_back({.path = info.path + "[]",
                                      .required = false,
                                      .minimum = {},
                                      .maximum = {},
                                      .words = texts_of<words>()});
                  }};
}

template <auto member, std::uint64_t minimum, std::uint64_t maximum, std::uint64_t least, std::uint64_t most>
constexpr auto numbers(std::string_view key, bool is_required) {
  using T = ObjectOf<member>;
  constexpr auto wants = [] { return wants_list<least, most>("cores"); };
  return Field<T>{key, is_required, wants,
                  [](const Node& node, T& out, Problems& problems) {
                    decode_items(node, least, most, decltype(wants){}(), problems, [&](const Node& item) {
                      const std::string wanted =
                          "a number from " + std::to_string(minimum) + " to " + std::to_string(maximum);
                      decode_number(item, minimum, maximum, wanted, (out.*member).emplace_back(), problems);
                    });
                  },
                  [](KeyInfo& info, std::vector<KeyInfo>& nested) {
                    info.minimum = least;
                    info.maximum = most;
                    nested.push_back({.path = info.path + "[]",
                                      .required = false,
                                      .minimum = minimum,
                                      .maximum = maximum,
                                      .words = {}});
                  }};
}

}  // namespace braidway::ctrl
