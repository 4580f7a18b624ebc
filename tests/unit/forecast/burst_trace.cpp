// burst-trace FILE MS [quiet]: writes a trace (burst_trace.hpp) of so many milliseconds, for tests of command
// lines; quiet: without bursts.
#include "tests/unit/forecast/burst_trace.hpp"

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const braidway::bench::forecast::BurstTrace trace{.ms = std::atoi(argv[2]), .bursts = argc == 3};
  const auto written = trace.write(argv[1]);
  if (!written) std::fprintf(stderr, "%s\n", written.error().c_str());
  return written ? 0 : 1;
}
