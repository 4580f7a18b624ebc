// Where the data of these tests lie; the build says.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace braidway::ctrl {

inline std::string file_text(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::string example(const std::string& name) { return std::string(EXAMPLES_DIR) + "/" + name; }
inline std::string test_file(const std::string& name) { return std::string(CONFIG_TEST_DIR) + "/" + name; }

}  // namespace braidway::ctrl
