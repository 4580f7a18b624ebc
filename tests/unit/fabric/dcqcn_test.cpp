// DCQCN's reaction point, fact by fact as the anchors give them.
#include "bench/fabric/dcqcn.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace braidway::bench::fabric {
namespace {

constexpr std::uint64_t line_rate = 100'000'000'000;
constexpr Nanoseconds first_cut = Dcqcn::cut_interval + 1;

TEST(Dcqcn, StartsAtLineRate) { EXPECT_EQ(Dcqcn{line_rate}.rate(), 100e9); }

TEST(Dcqcn, TheFirstCnpSetsAlphaToOneAndCutsFourMicrosecondsAndOneNanosecondLater) {
  Dcqcn dcqcn{line_rate};
  EXPECT_EQ(dcqcn.on_cnp(10'000), 10'000 + first_cut);
  EXPECT_EQ(dcqcn.alpha(), 1);
  EXPECT_EQ(dcqcn.rate(), 100e9);
  EXPECT_EQ(dcqcn.on_cut_check(14'001), 14'001 + Dcqcn::raise_interval);
  // Four updates without another CNP, gain 1/256: about half the rate goes.
  const double alpha = std::pow(255.0 / 256, 4);
  EXPECT_DOUBLE_EQ(dcqcn.alpha(), alpha);
  EXPECT_DOUBLE_EQ(dcqcn.rate(), 100e9 * (1 - alpha / 2));
  EXPECT_EQ(dcqcn.target(), 100e9);
}

TEST(Dcqcn, AlphaGrowsAfterAMicrosecondWithACnpAndDecaysAfterOneWithout) {
  Dcqcn dcqcn{line_rate};
  dcqcn.on_cnp(0);
  dcqcn.on_cnp(2'500);  // two updates without, then one is due with it
  dcqcn.on_cut_check(first_cut);
  constexpr double keep = 255.0 / 256;
  double alpha = keep * keep;
  alpha = keep * alpha + 1 - keep;
  alpha *= keep;
  EXPECT_NEAR(dcqcn.alpha(), alpha, 1e-12);
}

TEST(Dcqcn, ChecksCutsEachFourMicrosecondsAndOnlyIfACnpCame) {
  Dcqcn dcqcn{line_rate};
  dcqcn.on_cnp(0);
  EXPECT_EQ(dcqcn.on_cnp(100), 0) << "a cut is due already";
  dcqcn.on_cut_check(first_cut);
  EXPECT_EQ(dcqcn.on_cnp(9'000), first_cut + 2 * Dcqcn::cut_interval);
  dcqcn.on_cut_check(first_cut + 2 * Dcqcn::cut_interval);
  EXPECT_EQ(dcqcn.on_cnp(1'000'000), first_cut + 249 * Dcqcn::cut_interval);
}

TEST(Dcqcn, DoesNotGoBelowAHundredMegabit) {
  Dcqcn dcqcn{line_rate};
  for (Nanoseconds now = 0; now < 200'000; now += Dcqcn::cut_interval) {
    dcqcn.on_cnp(now);
    dcqcn.on_cut_check(now + first_cut);
  }
  EXPECT_EQ(dcqcn.rate(), 100e6);
}

TEST(Dcqcn, RaisesHalfwayThenByFortyThenByAHundredMegabit) {
  Dcqcn dcqcn{line_rate / 2};  // so that the target can grow: the line rate bounds it
  dcqcn.on_cnp(0);
  Nanoseconds raise_at = dcqcn.on_cut_check(first_cut);
  dcqcn.on_cnp(first_cut + 100);
  raise_at = dcqcn.on_raise(raise_at);  // halfway; the next cut takes this rate for its target
  const double lowered_target = dcqcn.rate();
  const Nanoseconds cut = raise_at - 1'000;
  dcqcn.on_cnp(cut - 500);
  raise_at = dcqcn.on_cut_check(cut);
  EXPECT_EQ(raise_at, cut + Dcqcn::raise_interval);
  EXPECT_DOUBLE_EQ(dcqcn.target(), lowered_target);

  double rate = dcqcn.rate();
  double target = dcqcn.target();
  for (const double growth : {0.0, 40e6, 100e6, 100e6}) {
    raise_at = dcqcn.on_raise(raise_at);
    target += growth;
    rate = rate / 2 + target / 2;
    EXPECT_DOUBLE_EQ(dcqcn.target(), target);
    EXPECT_DOUBLE_EQ(dcqcn.rate(), rate);
  }
}

TEST(Dcqcn, ACutPutsOffTheRaise) {
  Dcqcn dcqcn{line_rate};
  dcqcn.on_cnp(0);
  const Nanoseconds first = dcqcn.on_cut_check(first_cut);
  dcqcn.on_cnp(50'000);
  const Nanoseconds second = dcqcn.on_cut_check(52'001);
  const double rate = dcqcn.rate();
  EXPECT_EQ(dcqcn.on_raise(first), second);
  EXPECT_EQ(dcqcn.rate(), rate);
}

TEST(Dcqcn, TheTargetStaysWhereNoRaiseCameBetweenCuts) {
  Dcqcn dcqcn{line_rate};
  dcqcn.on_cnp(0);
  dcqcn.on_cut_check(first_cut);
  dcqcn.on_cnp(5'000);
  dcqcn.on_cut_check(8'001);
  EXPECT_LT(dcqcn.rate(), 30e9);
  EXPECT_EQ(dcqcn.target(), 100e9);
}

}  // namespace
}  // namespace braidway::bench::fabric
