// What the commands about forecasts have in common.
#pragma once

#include <fmt/format.h>
#include <string>

#include <tl/expected.hpp>

#include "ctrl/api/command.hpp"
#include "ctrl/model/cross_load.hpp"

namespace braidway::ctrl::api {

/// Error: there is none.
inline tl::expected<forecast::Loop*, std::string> forecasts_of(const Session& session) {
  if (session.forecasts != nullptr) return session.forecasts;
  return tl::unexpected<std::string>(
      "nothing is forecast; write forecast: {weights: observe} into the configuration, and give the peer "
      "messages");
}

/// Null: nothing is known.
inline Json load_json(const model::CrossLoad& load) {
  return load.unknown() ? Json() : Json{{"load", load.load}, {"censored", load.censored}};
}

/// As measured, with "<=" if it is but a bound, or "-".
inline std::string load_text(const Json& load) {
  if (load.is_null()) return "-";
  return fmt::format("{}{:.2f}", load.at("censored").get<bool>() ? "<=" : "", load.at("load").get<double>());
}

}  // namespace braidway::ctrl::api
