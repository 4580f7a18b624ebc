// Frames for the steering program, and what the kernel makes of them when it runs it (BPF_PROG_TEST_RUN).
#pragma once

#include <algorithm>
#include <optional>

#include <linux/bpf.h>

#include "tests/unit/xdp/kernel_lab.hpp"

namespace braidway::tests {

using dataplane::XdpTake;
using Frame = std::vector<std::uint8_t>;

/// Builds a frame from the outside in; the layers below are told the protocol as they come.
class Layers {
 public:
  Layers() : frame_(12, 0x02) {}
  Layers& type(unsigned ethertype) { return u16(ethertype); }
  Layers& vlan(unsigned tpid) { return u16(tpid).u16(0x6005); }
  Layers& ipv4(unsigned protocol, unsigned fragment = 0x4000, unsigned ihl = 5, unsigned version = 4) {
    frame_.push_back(static_cast<std::uint8_t>(version << 4U | ihl));
    zeros(5).u16(fragment);
    frame_.push_back(64);
    frame_.push_back(static_cast<std::uint8_t>(protocol));
    return zeros(10 + (std::max(ihl, 5U) - 5) * 4);
  }
  Layers& ipv6(unsigned next_header, unsigned version = 6) {
    frame_.push_back(static_cast<std::uint8_t>(version << 4U));
    zeros(5);
    frame_.push_back(static_cast<std::uint8_t>(next_header));
    return zeros(33);
  }
  Layers& udp(unsigned destination) { return u16(49152).u16(destination).zeros(4); }
  Layers& zeros(std::size_t count) {
    frame_.insert(frame_.end(), count, 0);
    return *this;
  }
  operator Frame() const { return frame_; }  // NOLINT(google-explicit-constructor)

 private:
  Layers& u16(unsigned number) {
    frame_.push_back(static_cast<std::uint8_t>(number >> 8U));
    frame_.push_back(static_cast<std::uint8_t>(number));
    return *this;
  }
  Frame frame_;
};

struct Run {
  std::uint32_t action = 0;
  std::optional<braidway_xdp_verdict> counted;  ///< none: not exactly one counter moved by one
  bool intact = false;                          ///< the frame is as it was
};

inline Run run(const SteerProgram& program, const Frame& frame, const xdp_md* context = nullptr) {
  const auto before = program.counters();
  Frame out(frame.size() + 64);
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = out.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()),
              .data_size_out = static_cast<std::uint32_t>(out.size()), .ctx_in = context,
              .ctx_size_in = context == nullptr ? 0U : static_cast<std::uint32_t>(sizeof(*context)),
              .repeat = 1);
  Run result;
  EXPECT_EQ(bpf_prog_test_run_opts(program.fd(), &options), 0) << std::strerror(errno);
  out.resize(options.data_size_out);
  result.action = options.retval;
  result.intact = out == frame;
  const auto after = program.counters();
  std::uint64_t moved = 0;
  for (std::size_t verdict = 0; verdict < after.size(); ++verdict) {
    if (after[verdict] != before[verdict]) result.counted = static_cast<braidway_xdp_verdict>(verdict);
    moved += after[verdict] - before[verdict];
  }
  if (moved != 1) result.counted.reset();
  return result;
}

inline std::uint32_t action_of(braidway_xdp_verdict verdict) {
  switch (verdict) {
    case braidway_xdp_redirected:
      return XDP_REDIRECT;
    case braidway_xdp_dropped_unbound:
      return XDP_DROP;
    default:
      return XDP_PASS;
  }
}

inline void expect(const Run& outcome, braidway_xdp_verdict verdict) {
  EXPECT_EQ(outcome.counted.value_or(braidway_xdp_verdict_count), verdict)
      << "expected " << dataplane::xdp::verdict_names[verdict].name;
  EXPECT_EQ(outcome.action, action_of(verdict));
  EXPECT_TRUE(outcome.intact);
}

}  // namespace braidway::tests
