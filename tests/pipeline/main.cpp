// EAL once a process, without hugepages; the tests build and end their gateways inside.
#include <cstdio>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "dataplane/eal.hpp"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const auto eal =
      braidway::dataplane::Eal::start({.name = "braidway-pipeline-test-" + std::to_string(::getpid()),
                                       .worker_cores = {},
                                       .control_cores = {},
                                       .pci_devices = {},
                                       .memory_mib = 256,
                                       .hugepages = false,
                                       .telemetry = false});
  if (!eal) {
    std::fprintf(stderr, "pipeline-test: %s\n", eal.error().c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}
