#include "ctrl/config/yaml.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "ctrl/config/text.hpp"
#include "ctrl/config/words.hpp"

namespace braidway::ctrl {
namespace {

constexpr std::size_t deepest = 16;  // the deepest key of ours stands at 5

/// Ends the parse from inside yaml-cpp; caught in parse_yaml.
struct Refused {
  Problem problem;
};

/// Builds the tree of the first document.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const Text& text) : text_(text) {}

  Document take() { return std::move(document_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_extras(mark, {}, anchor);
    add(node_at(mark, Node::Kind::null));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    throw Refused{{at(mark), "aliases (*name) are not read; write the value out"}};
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_extras(mark, tag, anchor);
    Node node = node_at(mark, Node::Kind::scalar);
    node.text = value;
    node.quoted = tag == "!";
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Node::Kind::sequence);
  }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Node::Kind::map);
  }

  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  /// A collection being filled.
  struct Frame {
    Node node;
    std::optional<Node> key;                // of the value that comes next
    std::map<std::string, Location> known;  // keys so far
  };

  [[nodiscard]] Location at(const YAML::Mark& mark) const { return locate(text_, mark.line, mark.column); }

  [[nodiscard]] Node node_at(const YAML::Mark& mark, Node::Kind kind) const {
    Node node;
    node.kind = kind;
    node.at = at(mark);
    return node;
  }

  // yaml-cpp marks plain scalars "?" and quoted ones "!".
  void refuse_extras(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor) {
      throw Refused{{at(mark), "anchors (&name) are not read; leave it out and write each value out"}};
    }
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refused{{at(mark), "tags (" + in_quotes(tag) + ") are not read; leave it out"}};
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    refuse_extras(mark, tag, anchor);
    if (frames_.size() == deepest) {
      throw Refused{{at(mark), "nested deeper than 16 levels; nothing in a configuration is"}};
    }
    frames_.push_back(Frame{.node = node_at(mark, kind), .key = {}, .known = {}});
  }

  void close() {
    Node node = std::move(frames_.back().node);
    frames_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (frames_.empty()) {
      document_.root = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Node::Kind::sequence) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.key) {
      frame.key = std::move(node);
    } else {
      add_member(frame, std::move(*frame.key), std::move(node));
      frame.key.reset();
    }
  }

  void add_member(Frame& frame, Node key, Node value) {
    if (key.kind != Node::Kind::scalar) {
      document_.problems.push_back({key.at, std::string(name_of(key)) + " stands as a key; a key is a word"});
      return;
    }
    const auto [first, is_new] = frame.known.emplace(key.text, key.at);
    if (!is_new) {
      document_.problems.push_back({key.at, "key " + in_quotes(key.text) + " is given twice, first on line " +
                                                std::to_string(first->second.line) + "; keep one of them"});
      return;
    }
    // yaml-cpp places a missing value at whatever comes next.
    if (value.kind == Node::Kind::null) {
      value.at = key.at;
    }
    frame.node.members.push_back(Member{std::move(key.text), key.at, std::move(value)});
  }

  const Text& text_;
  std::vector<Frame> frames_;
  Document document_;
};

/// Whatever follows the first document is refused.
class NothingMore final : public YAML::EventHandler {
 public:
  explicit NothingMore(const Text& text) : text_(text) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    const Location here = locate(text_, mark.line, mark.column);
    if (text_.line(here.line).starts_with("---")) {
      throw Refused{{here, "a second document begins; a configuration is one document"}};
    }
    throw Refused{{here, "this does not belong to what stands above it; check the indentation"}};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}

 private:
  const Text& text_;
};

}  // namespace

tl::expected<Document, Problem> parse_yaml(std::string_view raw) {
  auto text = Text::from_bytes(raw);
  if (!text) {
    return tl::unexpected<Problem>(text.error());
  }
  try {
    std::istringstream stream{std::string(text->bytes())};
    YAML::Parser parser(stream);
    Builder builder(*text);
    if (!parser.HandleNextDocument(builder)) {
      return Document{};
    }
    NothingMore nothing_more(*text);
    parser.HandleNextDocument(nothing_more);
    return builder.take();
  } catch (const Refused& refused) {
    return tl::unexpected<Problem>(refused.problem);
  } catch (const YAML::Exception& error) {
    const Location here =
        error.mark.is_null() ? Location{} : locate(*text, error.mark.line, error.mark.column);
    return tl::unexpected<Problem>(
        {here, "not YAML: " + error.msg + "; check indentation, quotes and brackets"});
  } catch (const std::exception& error) {
    return tl::unexpected<Problem>({{}, std::string("not YAML: ") + error.what() + "; write the file anew"});
  }
}

std::string_view name_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return node.quoted ? "quoted text" : "a word";
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::map:
      return "a map";
  }
  return "nothing";
}

}  // namespace braidway::ctrl
