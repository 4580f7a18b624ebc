// What the slow loop expects of paths, as it comes into force, and goes out of it.
#include <gtest/gtest.h>

#include "dataplane/path_control.hpp"
#include "dataplane/peer_link.hpp"

namespace braidway::dataplane {
namespace {

constexpr std::int64_t ms = 1'000'000;

PeerSettings peer() {
  PeerSettings settings;
  settings.policy = lb::Policy::automatic;
  settings.stamping = Stamping::int_md;
  settings.messages.emplace();
  settings.paths.resize(2);
  return settings;
}

class Foreseen : public testing::Test {
 protected:
  /// So long, with the loop at work or not.
  void run(std::int64_t for_ms, bool loop_goes_on) {
    for (std::int64_t i = 0; i < for_ms; ++i) {
      now_ += ms;
      if (loop_goes_on) link.foresight.ticks.fetch_add(1, std::memory_order_release);
      control.advance(lb::Nanoseconds{now_});
    }
  }
  void tell(float bias) {
    link.foresight.biases[0].store(bias, std::memory_order_relaxed);
    link.foresight.version.fetch_add(1, std::memory_order_release);
  }
  [[nodiscard]] float share(std::size_t path) const {
    return link.paths[path].share.load(std::memory_order_relaxed);
  }
  [[nodiscard]] float reactive(std::size_t path) const {
    return link.paths[path].reactive.load(std::memory_order_relaxed);
  }

  PeerSettings settings = peer();
  PeerLink link{settings, 1};
  PathControl control{settings, link};

 private:
  std::int64_t now_ = 1'000 * ms;
};

TEST_F(Foreseen, BiasesComeIntoForceAndTellTheLanes) {
  run(2, true);
  const std::uint32_t version = link.version.load();
  tell(0.25F);
  run(1, true);
  EXPECT_FLOAT_EQ(share(0), 0.25F);
  EXPECT_FLOAT_EQ(share(1), 1);
  EXPECT_FLOAT_EQ(reactive(0), 1) << "what is known without it";
  EXPECT_NE(link.version.load(), version);
  tell(1);
  run(1, true);
  EXPECT_FLOAT_EQ(share(0), 1);
}

TEST_F(Foreseen, ALoopThatHasStoppedIsForgottenAndHeardAgainWhenItGoesOn) {
  run(2, true);
  tell(0.25F);
  run(1, true);
  run(200, false);
  EXPECT_FLOAT_EQ(share(0), 0.25F) << "it may be late";
  run(100, false);
  EXPECT_FLOAT_EQ(share(0), 1);
  run(1, true);
  EXPECT_FLOAT_EQ(share(0), 0.25F);
}

TEST_F(Foreseen, WhatALoopTellsThatOnlyLooksOnIsNotHeeded) {
  tell(0.25F);
  run(10, false);
  EXPECT_FLOAT_EQ(share(0), 1);
}

TEST_F(Foreseen, NoForecastGivesAPathThatIsOutAShare) {
  run(2, true);
  control.heard_ourselves(lb::PathId{0}, lb::Nanoseconds{1'002 * ms});
  tell(2);
  run(1, true);
  EXPECT_EQ(share(0), 0);
  EXPECT_EQ(reactive(0), 0);
}

}  // namespace
}  // namespace braidway::dataplane
