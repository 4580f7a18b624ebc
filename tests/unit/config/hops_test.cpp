// What a peer's configuration says of the hops that its stamps pass.
#include <string>

#include <gtest/gtest.h>

#include "ctrl/config/config.hpp"
#include "tests/unit/config/files.hpp"

namespace braidway::ctrl {
namespace {

TEST(HopsConfig, APeerMaySayHowHopsCountWhenOneOfItsRulesAsksThem) {
  std::string text = file_text(test_file("base.yaml"));
  text.insert(text.find("  - name: fabric0"), "    mtu: 1400\n");
  text.insert(text.find("    id: 2\n"),
              "    stamping: int-md\n    int: {utilisation_full: 1000}\n"
              "    rules: [{int: {instructions: [egress-utilisation]}}]\n");
  const auto config = parse_config(text, "inline");
  ASSERT_TRUE(config) << config.error().front().to_string();
  EXPECT_EQ(config->gateway.peers[0].utilisation_full, 1'000U);
}

}  // namespace
}  // namespace braidway::ctrl
