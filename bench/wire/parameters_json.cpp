#include "bench/wire/parameters_json.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace braidway::bench::wire {
namespace {

constexpr double longest_us = 10'000'000;  // 10 s
constexpr double slowest_mbps = 1;         // a frame of 9,000 bytes takes 72 ms
constexpr double fastest_mbps = 1'000'000;
constexpr double most_bytes = 1U << 30U;

/// A parameter that is a number.
struct Number {
  std::string_view key;
  double most;
  std::string_view wanted;
  void (*set)(Parameters&, double);
  double (*get)(const Parameters&);
};

template <double Parameters::* member>
constexpr Number share(std::string_view key) {
  return {key, 1, "a share from 0 to 1", [](Parameters& of, double to) { of.*member = to; },
          [](const Parameters& of) { return of.*member; }};
}

template <lb::Nanoseconds Parameters::* member>
constexpr Number microseconds(std::string_view key) {
  return {key, longest_us, "microseconds from 0 to 10000000",
          [](Parameters& of, double to) { of.*member = lb::Nanoseconds{std::llround(to * 1000)}; },
          [](const Parameters& of) { return static_cast<double>(value(of.*member)) / 1000; }};
}

template <std::uint64_t Parameters::* member>
constexpr Number bytes(std::string_view key) {
  return {key, most_bytes, "bytes from 0 to 1073741824",
          [](Parameters& of, double to) { of.*member = static_cast<std::uint64_t>(to); },
          [](const Parameters& of) { return static_cast<double>(of.*member); }};
}

constexpr std::array numbers{
    Number{
        "rate_mbps", fastest_mbps, "Mbit/s from 1 to 1000000, or 0 for no limit,",
        [](Parameters& of, double to) { of.rate_bps = static_cast<std::uint64_t>(std::llround(to * 1e6)); },
        [](const Parameters& of) { return static_cast<double>(of.rate_bps) / 1e6; }},
    bytes<&Parameters::queue_bytes>("queue_bytes"),
    microseconds<&Parameters::delay>("delay_us"),
    microseconds<&Parameters::jitter>("jitter_us"),
    share<&Parameters::reorder>("reorder"),
    share<&Parameters::loss>("loss"),
    share<&Parameters::corruption>("corruption"),
    share<&Parameters::duplication>("duplication"),
    share<&Parameters::ce>("ce"),
    bytes<&Parameters::ce_bytes>("ce_bytes"),
};

constexpr std::string_view shape_key = "jitter_shape";
constexpr std::string_view cut_key = "cut";

bool in_range(const Number& number, double given) {
  const bool too_slow = number.key == "rate_mbps" && given > 0 && given < slowest_mbps;
  return given >= 0 && given <= number.most && !too_slow;
}

void decode(const std::string& key, const Json& given, const std::string& at, Parameters& into,
            Problems& problems) {
  if (key == cut_key) {
    if (!given.is_boolean()) return refuse(given, "true or false", at, problems);
    into.cut = given.get<bool>();
    return;
  }
  if (key == shape_key) {
    const auto* const name =
        std::ranges::find(jitter_names, given.is_string() ? given.get<std::string>() : "");
    if (name == jitter_names.end()) return refuse(given, "uniform or normal", at, problems);
    into.distribution = static_cast<Jitter>(name - jitter_names.begin());
    return;
  }
  const auto* const number = std::ranges::find(numbers, key, &Number::key);
  if (number == numbers.end()) return refuse_unknown(key, parameter_keys(), at, problems);
  if (!given.is_number() || !in_range(*number, given.get<double>())) {
    return refuse(given, number->wanted, at, problems);
  }
  number->set(into, given.get<double>());
}

}  // namespace

void refuse(const Json& found, std::string_view wanted, const std::string& at, Problems& problems) {
  std::string shown = found.is_structured() ? std::string{found.is_array() ? "a list" : "a map"}
                                            : found.dump(-1, ' ', true, Json::error_handler_t::replace);
  constexpr std::size_t longest = 60;
  if (shown.size() > longest) shown = shown.substr(0, longest) + "...";
  problems.push_back({.at = at, .what = shown + " stands here; " + std::string{wanted} + " is wanted"});
}

void refuse_unknown(std::string_view key, std::string_view known, const std::string& at, Problems& problems) {
  const std::string quoted = Json(key.substr(0, 60)).dump(-1, ' ', true, Json::error_handler_t::replace);
  problems.push_back(
      {.at = at, .what = "unknown key " + quoted + "; known here: " + std::string{known}, .of_key = true});
}

std::string parameter_keys() {
  std::string list;
  for (const Number& number : numbers) list.append(number.key).append(", ");
  return list.append(shape_key).append(", ").append(cut_key);
}

void decode_parameters(const Json& given, const std::string& at, Parameters& into, Problems& problems) {
  if (!given.is_object()) return refuse(given, "a map of " + parameter_keys(), at, problems);
  for (const auto& [key, value] : given.items())
    decode(key, value, std::string{at}.append("/").append(key), into, problems);
}

Json to_json(const Parameters& parameters) {
  Json json;
  for (const Number& number : numbers) json[std::string{number.key}] = number.get(parameters);
  json[std::string{shape_key}] = jitter_names[static_cast<std::size_t>(parameters.distribution)];
  json[std::string{cut_key}] = parameters.cut;
  return json;
}

}  // namespace braidway::bench::wire
