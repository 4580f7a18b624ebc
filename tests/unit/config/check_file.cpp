// Says of each file named what load_config() says of it: `FILE: right`, or its errors. Exit code 2 if any is
// wrong. The Python test compares it with the schema.
#include <cstdio>
#include <span>

#include "ctrl/config/config.hpp"

int main(int argc, char** argv) {
  int code = 0;
  for (const char* file : std::span(argv, static_cast<std::size_t>(argc)).subspan(1)) {
    const auto config = braidway::ctrl::load_config(file);
    if (config) {
      std::printf("%s: right\n", file);
      continue;
    }
    code = 2;
    for (const auto& error : config.error()) {
      std::printf("%s\n", error.to_string().c_str());
    }
  }
  return code;
}
