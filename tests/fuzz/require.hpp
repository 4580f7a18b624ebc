// What a fuzz target demands: said and then aborted on, whatever the build type.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace braidway::tests {

inline void require(bool promise, const char* what) {
  if (promise) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

}  // namespace braidway::tests
