#include "bench/wire/request.hpp"

#include <algorithm>

#include "bench/wire/parameters_json.hpp"

namespace braidway::bench::wire {
namespace {

constexpr std::string_view known_requests =
    R"({"set": {"path": NAME, "direction": "a>b", "b>a" or "both", ...}} and {"show": true})";

std::string names_of(std::span<const PathSettings> paths) {
  std::string list;
  for (const PathSettings& path : paths) list.append(list.empty() ? "" : ", ").append(path.name);
  return list;
}

/// "/set/loss" as "set.loss"
std::string dotted(std::string pointer) {
  pointer.erase(0, 1);
  std::ranges::replace(pointer, '/', '.');
  return pointer;
}

Set read_set(Json given, std::span<const PathSettings> paths, Problems& problems) {
  Set set;
  if (!given.is_object()) {
    refuse(given, "a map of path, direction and " + parameter_keys(), "/set", problems);
    return set;
  }
  const Json name = given.value("path", Json{});
  const auto path =
      std::ranges::find(paths, name.is_string() ? name.get<std::string>() : "", &PathSettings::name);
  if (path == paths.end()) {
    refuse(name, "the name of a path (" + names_of(paths) + ")", "/set/path", problems);
    return set;
  }
  set.path = static_cast<std::size_t>(path - paths.begin());
  set.directions = path->directions;
  const Json direction = given.value("direction", Json("both"));
  const auto* const one =
      std::ranges::find(direction_names, direction.is_string() ? direction.get<std::string>() : "");
  if (one == direction_names.end() && direction != "both") {
    refuse(direction, "a>b, b>a or both", "/set/direction", problems);
  }
  given.erase("path");
  given.erase("direction");
  if (given.empty()) problems.push_back({"/set", "changes nothing; add one of " + parameter_keys()});
  for (std::size_t i = 0; i < set.directions.size() && problems.empty(); ++i) {
    if (direction == "both" || direction_names[i] == *one)
      decode_parameters(given, "/set", set.directions[i], problems);
  }
  return set;
}

}  // namespace

tl::expected<Request, std::string> read_request(std::string_view line, std::span<const PathSettings> paths) {
  const Json given = Json::parse(line, nullptr, false);
  if (!given.is_object() || given.size() != 1) {
    return tl::unexpected("not one request in JSON; known are " + std::string{known_requests});
  }
  if (given.contains("show") && given["show"] == true) return Show{};
  if (!given.contains("set")) {
    return tl::unexpected("unknown request; known are " + std::string{known_requests});
  }
  Problems problems;
  const Set set = read_set(given["set"], paths, problems);
  if (problems.empty()) return set;
  std::string text;
  for (const Problem& problem : problems) {
    text.append(text.empty() ? "" : "\n").append(dotted(problem.at)).append(": ").append(problem.what);
  }
  return tl::unexpected(text);
}

}  // namespace braidway::bench::wire
