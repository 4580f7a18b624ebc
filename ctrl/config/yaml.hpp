// One YAML document as a tree in which every key and value knows where it stands. Built from yaml-cpp's
// events rather than its nodes, which keep neither duplicate keys nor the place of a key. What the
// configuration does not need is refused: anchors, aliases, tags, several documents, deep nesting. Plain
// values, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "ctrl/config/config.hpp"

namespace braidway::ctrl {

struct Member;

struct Node {
  enum class Kind : std::uint8_t { null, scalar, sequence, map };
  Kind kind = Kind::null;
  Location at;
  std::string text;         ///< of a scalar
  bool quoted = false;      ///< the scalar stood in quotes or was a block: a string whatever it looks like
  std::vector<Node> items;  ///< of a sequence
  std::vector<Member> members;  ///< of a map, without repetitions
};

struct Member {
  std::string key;
  Location at;  ///< of the key
  Node value;
};

struct Problem {
  Location at;
  std::string what;
};

struct Document {
  Node root;                      ///< null where there is none
  std::vector<Problem> problems;  ///< repeated and unusable keys: the tree is whole without them
};

/// Error: why there is no tree at all.
[[nodiscard]] tl::expected<Document, Problem> parse_yaml(std::string_view text);

/// "a map", "text" and so on, for messages.
[[nodiscard]] std::string_view name_of(const Node& node);

}  // namespace braidway::ctrl
