// What the control socket takes, and what it says to the rest.
#include "bench/wire/request.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bench/wire/parameters_json.hpp"

namespace braidway::bench::wire {
namespace {

std::vector<PathSettings> two_paths() {
  std::vector<PathSettings> paths(2);
  paths[0].name = "rail0";
  paths[1].name = "rail1";
  paths[1].directions[1].loss = 0.5;
  return paths;
}

TEST(SetRequest, changes_what_it_names_in_the_direction_it_names_and_nothing_else) {
  const auto paths = two_paths();
  const auto request = read_request(
      R"({"set": {"path": "rail1", "direction": "b>a", "delay_us": 50.5, "rate_mbps": 10000, "cut": true}})",
      paths);
  ASSERT_TRUE(request) << request.error();
  const Set& set = std::get<Set>(*request);
  EXPECT_EQ(set.path, 1U);
  EXPECT_EQ(to_json(set.directions[0]), to_json(Parameters{}));
  EXPECT_EQ(to_json(set.directions[1]),
            to_json(Parameters{
                .rate_bps = 10'000'000'000, .delay = lb::Nanoseconds{50'500}, .loss = 0.5, .cut = true}));
}

TEST(SetRequest, is_for_both_directions_unless_it_names_one) {
  const auto paths = two_paths();
  for (const std::string direction : {"", R"("direction": "both", )"}) {
    const auto request = read_request(
        R"({"set": {"path": "rail0", )" + direction + R"("ce_bytes": 7, "jitter_shape": "normal"}})", paths);
    ASSERT_TRUE(request) << request.error();
    for (const Parameters& each : std::get<Set>(*request).directions) {
      EXPECT_EQ(to_json(each), to_json(Parameters{.distribution = Jitter::normal, .ce_bytes = 7}));
    }
  }
}

TEST(SetRequest, takes_every_key_that_a_report_shows) {
  const Json shown = to_json(Parameters{.rate_bps = 1'000'000,
                                        .queue_bytes = 2,
                                        .delay = lb::Nanoseconds{3000},
                                        .jitter = lb::Nanoseconds{4000},
                                        .distribution = Jitter::normal,
                                        .reorder = 0.1,
                                        .loss = 0.2,
                                        .corruption = 0.3,
                                        .duplication = 0.4,
                                        .ce = 0.5,
                                        .ce_bytes = 6,
                                        .cut = true});
  Json set = shown;
  set["path"] = "rail0";
  const auto request = read_request(Json{{"set", set}}.dump(), two_paths());
  ASSERT_TRUE(request) << request.error();
  EXPECT_EQ(to_json(std::get<Set>(*request).directions[0]), shown);
  EXPECT_EQ(to_json(std::get<Set>(*request).directions[1]), shown);
}

TEST(ShowRequest, is_read) {
  const auto request = read_request(R"({"show": true})", two_paths());
  ASSERT_TRUE(request);
  EXPECT_TRUE(std::holds_alternative<Show>(*request));
}

struct Wrong {
  std::string line;
  std::string error;  ///< begins so
};

TEST(WrongRequest, is_refused_with_the_field_and_the_remedy) {
  const Wrong table[] = {
      {"", "not one request in JSON; known are {\"set\""},
      {"nonsense", "not one request in JSON"},
      {"[1]", "not one request in JSON"},
      {"{}", "not one request in JSON"},
      {R"({"show": true, "set": {}})", "not one request in JSON"},
      {R"({"show": false})", "unknown request; known are"},
      {R"({"stop": true})", "unknown request; known are"},
      {R"({"set": 5})", "set: 5 stands here; a map of path, direction and rate_mbps"},
      {R"({"set": {"loss": 0.1}})",
       "set.path: null stands here; the name of a path (rail0, rail1) is wanted"},
      {R"({"set": {"path": "rail2", "loss": 0.1}})", "set.path: \"rail2\" stands here; the name of a path"},
      {R"({"set": {"path": 0, "loss": 0.1}})", "set.path: 0 stands here"},
      {R"({"set": {"path": "rail0"}})", "set: changes nothing; add one of rate_mbps"},
      {R"({"set": {"path": "rail0", "direction": "a<b", "loss": 0}})",
       "set.direction: \"a<b\" stands here; a>b, b>a or both is wanted"},
      {R"({"set": {"path": "rail0", "direction": 1, "loss": 0}})", "set.direction: 1 stands here"},
      {R"({"set": {"path": "rail0", "lost": 0}})",
       "set.lost: unknown key \"lost\"; known here: rate_mbps, queue_bytes"},
      {R"({"set": {"path": "rail0", "loss": 1.01}})",
       "set.loss: 1.01 stands here; a share from 0 to 1 is wanted"},
      {R"({"set": {"path": "rail0", "loss": -0.1}})", "set.loss: -0.1 stands here"},
      {R"({"set": {"path": "rail0", "loss": "0.1"}})", "set.loss: \"0.1\" stands here"},
      {R"({"set": {"path": "rail0", "loss": null}})", "set.loss: null stands here"},
      {R"({"set": {"path": "rail0", "delay_us": -5}})",
       "set.delay_us: -5 stands here; microseconds from 0 to 10000000 is wanted"},
      {R"({"set": {"path": "rail0", "delay_us": 10000001}})", "set.delay_us: 10000001 stands here"},
      {R"({"set": {"path": "rail0", "delay_us": 1e300}})", "set.delay_us: 1e+300 stands here"},
      {R"({"set": {"path": "rail0", "rate_mbps": 0.5}})", "set.rate_mbps: 0.5 stands here; Mbit/s from 1"},
      {R"({"set": {"path": "rail0", "queue_bytes": [1]}})", "set.queue_bytes: a list stands here"},
      {R"({"set": {"path": "rail0", "cut": 1}})", "set.cut: 1 stands here; true or false is wanted"},
      {R"({"set": {"path": "rail0", "jitter_shape": "flat"}})",
       "set.jitter_shape: \"flat\" stands here; uniform or normal is wanted"},
  };
  for (const Wrong& each : table) {
    SCOPED_TRACE(each.line);
    const auto request = read_request(each.line, two_paths());
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().substr(0, each.error.size()), each.error);
  }
}

TEST(WrongRequest, is_told_every_problem_once) {
  const auto request =
      read_request(R"({"set": {"path": "rail0", "loss": 2, "ce": 3, "cut": 4}})", two_paths());
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error(),
            "set.loss: 2 stands here; a share from 0 to 1 is wanted\n"
            "set.ce: 3 stands here; a share from 0 to 1 is wanted\n"
            "set.cut: 4 stands here; true or false is wanted");
}

}  // namespace
}  // namespace braidway::bench::wire
