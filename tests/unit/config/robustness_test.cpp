// Any bytes are answered: with a configuration, or with errors that stand inside the file.
#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "ctrl/config/config.hpp"
#include "tests/unit/config/files.hpp"

namespace braidway::ctrl {
namespace {

/// Whether the answer is one of the two that are promised.
testing::AssertionResult answered(const std::string& text) {
  const auto config = parse_config(text, "f");
  if (config) {
    const bool whole = !config->gateway.workers.empty() && config->gateway.ports.size() >= 2 &&
                       config->gateway.peers.size() == 1 && !config->gateway.peers[0].paths.empty();
    return whole ? testing::AssertionSuccess()
                 : testing::AssertionFailure() << "half a configuration\n"
                                               << text;
  }
  if (config.error().empty()) {
    return testing::AssertionFailure() << "refused without a reason\n" << text;
  }
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  for (const ConfigError& error : config.error()) {
    // yaml-cpp may place the end of the file on a line of its own.
    if (error.line < 1 || error.line > lines + 1 || error.column < 1 || error.what.empty()) {
      return testing::AssertionFailure() << error.to_string() << "\n" << text;
    }
  }
  return testing::AssertionSuccess();
}

std::string mutated(std::string text, std::mt19937_64& random) {
  constexpr std::array<std::string_view, 24> pieces{
      "\n",    " ",  "\t",  ":",   ": ",  "- ",          "{",        "}",
      "[",     "]",  "\"",  "'",   "&a ", "*a",          "!t ",      "---\n",
      "...\n", "? ", "|\n", ">\n", "#",   "%YAML 9.9\n", "\xc3\xa4", std::string_view("\0", 1)};
  const auto below = [&](std::size_t limit) {
    return static_cast<std::size_t>(random() % std::max<std::size_t>(limit, 1));
  };
  for (std::size_t i = 0, edits = 1 + below(6); i < edits; ++i) {
    const std::size_t at = below(text.size());
    switch (below(6)) {
      case 0:
        text.insert(at, pieces[below(pieces.size())]);
        break;
      case 1:
        text.erase(at, 1 + below(20));
        break;
      case 2:
        text.insert(at, text.substr(below(text.size()), below(80)));
        break;
      case 3:
        text.resize(at);
        break;
      case 4:
        text.insert(at, std::string(1 + below(40), pieces[below(pieces.size())][0]));
        break;
      default:
        if (!text.empty()) {
          text[at] = static_cast<char>(random() & 0xffU);
        }
    }
  }
  return text;
}

TEST(Robustness, TwentyThousandMutatedExamplesAreAllAnswered) {
  std::mt19937_64 random(2);  // the same mutations in every run
  const std::array seeds{file_text(example("wire.yaml")), file_text(example("wire-tap.yaml")),
                         file_text(example("wire-af-xdp.yaml")), file_text(example("wire-vhost.yaml")),
                         file_text(test_file("base.yaml"))};
  for (int i = 0; i < 20000; ++i) {
    ASSERT_TRUE(answered(mutated(seeds[random() % seeds.size()], random))) << "mutation " << i;
  }
}

TEST(Robustness, RandomBytesAreAnswered) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string text(random() % 300, '\0');
    std::ranges::generate(text, [&] { return static_cast<char>(random() & 0xffU); });
    ASSERT_TRUE(answered(text));
  }
}

TEST(Robustness, EveryBeginningOfAnExampleIsAnswered) {
  const std::string text = file_text(example("wire.yaml"));
  for (std::size_t size = 0; size < text.size(); ++size) {
    ASSERT_TRUE(answered(text.substr(0, size))) << size;
  }
}

TEST(Robustness, AMebibyteMadeToHurtIsAnswered) {
  const auto repeated = [](std::string_view piece) {
    std::string text;
    while (text.size() + piece.size() <= 1024UL * 1024UL) {
      text += piece;
    }
    return text;
  };
  for (const std::string_view piece :
       {"[",       "{",          "- ",   "? ",        "a: ",      "[a,",    "{a: 1,", "a: 1\n",
        "&a [*a,", "'",          "\"\\", "- - - a\n", "!!",       "%",      "#",      "|\n",
        "--- a\n", "? a\n: b\n", "\n",   "*a : ",     "ports: [", "- {}\n", "a\n"}) {
    EXPECT_TRUE(answered(repeated(piece))) << piece;
  }
}

}  // namespace
}  // namespace braidway::ctrl
