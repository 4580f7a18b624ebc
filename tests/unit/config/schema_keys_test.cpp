// The keys, limits and words of the decoder are written again in the schema; here the two are compared both
// ways.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ctrl/config/decode.hpp"
#include "tests/unit/config/files.hpp"

namespace braidway::ctrl {
namespace {

using nlohmann::json;

/// A key as one line, so that a difference reads well.
std::string line(const KeyInfo& key) {
  std::string out = key.path + (key.required ? " required" : " optional");
  if (key.minimum) {
    out += " from " + std::to_string(*key.minimum);
  }
  if (key.maximum) {
    out += " to " + std::to_string(*key.maximum);
  }
  for (const std::string& word : key.words) {
    out += " " + word;
  }
  return out;
}

std::optional<std::uint64_t> number_at(const json& schema, const char* key) {
  return schema.contains(key) ? std::optional(schema[key].get<std::uint64_t>()) : std::nullopt;
}

/// Walks a schema as known_keys() walks the decoder's tables.
class SchemaWalk {
 public:
  explicit SchemaWalk(const json& schema) : root_(schema) { walk_object(schema, ""); }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  /// What stands at `key` of an object of the schema, looked up if it is a reference.
  const json& resolve(const json& object, const std::string& key) const {
    const json& schema = object.at(key);
    if (!schema.contains("$ref")) {
      return schema;
    }
    return root_.at(json::json_pointer(schema["$ref"].get<std::string>().substr(1)));
  }

  void walk_object(const json& schema, const std::string& prefix) {
    EXPECT_EQ(schema.at("additionalProperties"), false) << prefix;
    const json required = schema.value("required", json::array());
    const json& properties = schema.at("properties");
    for (const auto& property : properties.items()) {
      const bool is_required = std::find(required.begin(), required.end(), property.key()) != required.end();
      walk(resolve(properties, property.key()), prefix + property.key(), is_required);
    }
    for (const json& key : required) {
      EXPECT_TRUE(properties.contains(key)) << prefix << key;
    }
  }

  void walk(const json& schema, const std::string& path, bool is_required) {
    KeyInfo info{.path = path, .required = is_required, .minimum = {}, .maximum = {}, .words = {}};
    const std::string type = schema.value("type", "");
    info.minimum = number_at(schema, type == "array" ? "minItems" : "minimum");
    info.maximum = number_at(schema, type == "array" ? "maxItems" : "maximum");
    for (const json& word : schema.value("enum", json::array())) {
      if (word.is_string()) {
        info.words.push_back(word);
      }
    }
    lines_.push_back(line(info));
    if (type == "object") {
      walk_object(schema, path + ".");
    }
    if (type != "array") {
      return;
    }
    const json& items = resolve(schema, "items");
    if (items.value("type", "") == "object") {
      walk_object(items, path + "[].");
    } else {
      walk(items, path + "[]", false);
    }
  }

  const json& root_;
  std::vector<std::string> lines_;
};

TEST(Schema, KnowsTheKeysLimitsAndWordsThatTheDecoderKnowsAndNoOthers) {
  const json schema = json::parse(file_text(SCHEMA_FILE));
  std::vector<std::string> in_schema = SchemaWalk(schema).lines();
  std::vector<std::string> in_decoder;
  for (const KeyInfo& key : known_keys()) {
    in_decoder.push_back(line(key));
  }
  std::ranges::sort(in_schema);
  std::ranges::sort(in_decoder);
  EXPECT_EQ(in_schema, in_decoder);
  EXPECT_GT(in_decoder.size(), 30U);
}

TEST(Schema, TellsTheDefaultsThatTheSettingsHave) {
  const json schema = json::parse(file_text(SCHEMA_FILE));
  const dataplane::PortSettings port;
  const dataplane::MemorySettings memory;
  const json& properties = schema["$defs"]["port"]["properties"];
  EXPECT_EQ(properties["queues"]["default"], port.queues);
  EXPECT_EQ(properties["mtu"]["default"], port.mtu);
  EXPECT_EQ(properties["descriptors"]["default"], port.descriptors);
  EXPECT_EQ(properties["stall_ms"]["default"], port.stall_ms);
  const json& path = schema["$defs"]["peer"]["properties"]["paths"]["items"]["properties"];
  EXPECT_EQ(path["weight"]["default"], dataplane::PathSettings{}.weight);
  const json& hops = schema["$defs"]["hops"]["properties"];
  EXPECT_EQ(hops["hops"]["default"], dataplane::HopSettings{}.hops);
  EXPECT_EQ(hops["utilisation_full"]["default"], dataplane::PeerSettings{}.utilisation_full);
  EXPECT_EQ(schema["properties"]["memory"]["properties"]["limit_mib"]["default"], memory.limit_mib);
  EXPECT_EQ(schema["properties"]["memory"]["properties"]["mbufs"]["default"], memory.mbufs);
}

}  // namespace
}  // namespace braidway::ctrl
