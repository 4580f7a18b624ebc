// The drawing of the pipeline against the one kept in tests/data, which a person has looked at.
#include "dataplane/pipeline_dot.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

namespace braidway::tests {
namespace {

TEST(PipelineDrawing, IsTheOneInTheData) {
  const std::string file = BRAIDWAY_TEST_DATA "/pipeline.dot";
  std::ifstream in(file, std::ios::binary);
  const std::string kept{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(dataplane::pipeline_dot(), kept)
      << "if the change is meant: braidway pipeline --dot > tests/data/pipeline.dot, and look at it";
}

TEST(PipelineDrawing, IsTakenByGraphviz) {
  const auto file =
      std::filesystem::temp_directory_path() / ("braidway-" + std::to_string(::getpid()) + ".dot");
  {
    std::ofstream(file) << dataplane::pipeline_dot();
  }
  const std::string svg = file.string() + ".svg";
  EXPECT_EQ(std::system(("dot -Tsvg -o " + svg + " " + file.string()).c_str()), 0);
  EXPECT_TRUE(std::filesystem::exists(svg) && std::filesystem::file_size(svg) > 0);
  std::filesystem::remove(file);
  std::filesystem::remove(svg);
}

}  // namespace
}  // namespace braidway::tests
