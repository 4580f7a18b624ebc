// Each wrong configuration of refused.yaml is refused with exactly the errors written there.
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "ctrl/config/config.hpp"
#include "tests/unit/config/files.hpp"

namespace braidway::ctrl {
namespace {

struct Case {
  std::string promise;
  std::string text;
  std::vector<std::string> errors;
};

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest looks for this name
void PrintTo(const Case& c, std::ostream* out) { *out << c.promise; }

std::vector<Case> cases() {
  const std::string base = file_text(test_file("base.yaml"));
  std::vector<Case> all;
  for (const YAML::Node& node : YAML::LoadFile(test_file("refused.yaml"))) {
    Case c{node["promise"].as<std::string>(), node["by"].as<std::string>(), {}};
    if (node["replace"]) {
      const auto from = node["replace"].as<std::string>();
      const std::size_t at = base.find(from);
      if (at == std::string::npos || base.find(from, at + 1) != std::string::npos) {
        throw std::runtime_error(c.promise + ": 'replace' does not stand in base.yaml exactly once");
      }
      c.text = std::string(base).replace(at, from.size(), c.text);
    }
    for (const YAML::Node& error : node["errors"]) {
      c.errors.push_back("base.yaml:" + error.as<std::string>());
    }
    all.push_back(std::move(c));
  }
  return all;
}

class Refused : public testing::TestWithParam<Case> {};

TEST_P(Refused, WithEveryErrorAtItsPlace) {
  ASSERT_FALSE(GetParam().errors.empty());
  const auto config = parse_config(GetParam().text, "base.yaml");
  ASSERT_FALSE(config);
  std::vector<std::string> errors;
  for (const ConfigError& error : config.error()) {
    errors.push_back(error.to_string());
  }
  EXPECT_EQ(errors, GetParam().errors);
}

std::string test_name(const testing::TestParamInfo<Case>& info) {
  std::string name;
  for (const char c : info.param.promise) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      name += c;
    }
    if (c == ' ') {
      name += '_';
    }
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Configuration, Refused, testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace braidway::ctrl
