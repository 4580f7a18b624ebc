// What tests of the XDP program and of kernel interfaces share: a network namespace of the process's own,
// which vanishes with it, and the program loaded the way DPDK's driver loads it.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <net/if.h>
#include <numeric>
#include <sched.h>
#include <string>
#include <sys/socket.h>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include "dataplane/unique_fd.hpp"
#include "dataplane/xdp/attachment.hpp"

namespace braidway::tests {

/// Moves the calling thread (and those it starts) to an empty network namespace, with lo up. Once a process.
inline void enter_own_namespace() {
  static const std::string error = [] {
    if (::unshare(CLONE_NEWNET) != 0)
      return std::string("this test needs root for a network namespace of its own: ") + std::strerror(errno);
    return std::string(std::system("ip link set dev lo up") == 0 ? "" : "this test needs ip(8)");
  }();
  ASSERT_EQ(error, "");
}

/// Runs `ip ARGUMENTS`; false if it fails.
[[nodiscard]] inline bool run_ip(const std::string& arguments) {
  return std::system(("ip " + arguments).c_str()) == 0;
}

/// The steering program in the kernel, with its maps.
class SteerProgram {
 public:
  explicit SteerProgram(dataplane::XdpTake take, const dataplane::OwnPorts& ports = {})
      : object_(open(take, ports), bpf_object__close) {
    if (!object_ || bpf_object__load(object_.get()) != 0) {
      ADD_FAILURE() << "the kernel does not load the XDP program (bpf(2) needs root): "
                    << std::strerror(errno);
      return;
    }
    program_ = bpf_program__fd(bpf_object__next_program(object_.get(), nullptr));
    sockets_ = bpf_object__find_map_fd_by_name(object_.get(), "xsks_map");
    counters_ = bpf_object__find_map_fd_by_name(object_.get(), "braidway_counts");
  }

  [[nodiscard]] int fd() const { return program_; }

  /// Puts a socket on a receive queue; it is gone from the map when `socket_` is closed.
  void bind(std::uint32_t queue) {
    socket_ = dataplane::UniqueFd(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    const int fd = socket_.get();
    ASSERT_EQ(bpf_map_update_elem(sockets_, &queue, &fd, 0), 0) << std::strerror(errno);
  }
  void unbind() { socket_ = dataplane::UniqueFd(); }

  [[nodiscard]] dataplane::xdp::VerdictCounters counters() const {
    std::vector<std::uint64_t> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    dataplane::xdp::VerdictCounters sums{};
    for (std::uint32_t verdict = 0; verdict < sums.size(); ++verdict) {
      EXPECT_EQ(bpf_map_lookup_elem(counters_, &verdict, per_cpu.data()), 0);
      sums[verdict] = std::accumulate(per_cpu.begin(), per_cpu.end(), std::uint64_t{0});
    }
    return sums;
  }

 private:
  static bpf_object* open(dataplane::XdpTake take, const dataplane::OwnPorts& ports) {
    const auto bytes = dataplane::xdp::object_bytes(take, ports);
    return bpf_object__open_mem(bytes.data(), bytes.size(), nullptr);
  }

  std::unique_ptr<bpf_object, decltype(&bpf_object__close)> object_;
  dataplane::UniqueFd socket_;
  int program_ = -1;
  int sockets_ = -1;
  int counters_ = -1;
};

}  // namespace braidway::tests
