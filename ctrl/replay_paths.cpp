#include "ctrl/replay_paths.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <string_view>

namespace braidway::ctrl {
namespace {

using dataplane::ReplayPath;

/// No replay lasts longer.
constexpr double longest_ns = 1e15;

/// A plain number and what stands behind it.
std::optional<double> number_of(std::string_view text, std::string_view& rest) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number) || number < 0) {
    return std::nullopt;
  }
  rest = text.substr(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<std::uint64_t> duration_ns(std::string_view text) {
  struct Unit {
    std::string_view name;
    double ns;
  };
  constexpr std::array units{Unit{"ns", 1}, Unit{"us", 1e3}, Unit{"ms", 1e6}, Unit{"s", 1e9}};
  std::string_view unit;
  const auto number = number_of(text, unit);
  const auto found = std::ranges::find(units, unit, &Unit::name);
  if (!number || found == units.end() || *number * found->ns > longest_ns) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(std::llround(*number * found->ns));
}

std::optional<double> share(std::string_view text) {
  std::string_view rest;
  const auto number = number_of(text, rest);
  return number && rest.empty() && *number <= 1 ? number : std::nullopt;
}

/// The port of the path that `text` names; `value` is what it gives.
tl::expected<std::size_t, std::string> port_of(const dataplane::GatewaySettings& settings, const char* option,
                                               std::string_view text, std::string_view& value) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size()) {
    return tl::unexpected(fmt::format("{} '{}' is not PATH=VALUE", option, text));
  }
  value = text.substr(equals + 1);
  const auto name = text.substr(0, equals);
  std::string known;
  for (const auto& path : settings.peers.front().paths) {
    if (path.name == name) {
      return path.port;
    }
    known += (known.empty() ? "" : ", ") + path.name;
  }
  return tl::unexpected(
      fmt::format("{} '{}': there is no path '{}'; there are {}", option, text, name, known));
}

}  // namespace

tl::expected<std::vector<ReplayPath>, std::string> parse_replay_paths(
    const dataplane::GatewaySettings& settings, const ReplayPathTexts& texts) {
  std::vector<ReplayPath> paths(settings.ports.size());
  struct Option {
    const char* name;
    const std::vector<std::string>& texts;
    std::string_view wanted;
    std::function<bool(ReplayPath&, std::string_view)> put;
  };
  const auto put_in = [](auto& member, const auto& value) {
    if (value) {
      member = *value;
    }
    return value.has_value();
  };
  const std::array options{
      Option{"--path-delay", texts.delays, "a time such as 10us (ns, us, ms, s)",
             [&](ReplayPath& path, std::string_view value) {
               return put_in(path.delay_ns, duration_ns(value));
             }},
      Option{"--path-loss", texts.losses, "a share from 0 to 1",
             [&](ReplayPath& path, std::string_view value) { return put_in(path.loss, share(value)); }},
      Option{"--path-cut", texts.cuts, "a time such as 10ms (ns, us, ms, s)",
             [&](ReplayPath& path, std::string_view value) {
               path.cut_ns = duration_ns(value);
               return path.cut_ns.has_value();
             }}};
  for (const Option& option : options) {
    for (const auto& text : option.texts) {
      std::string_view value;
      const auto port = port_of(settings, option.name, text, value);
      if (!port) {
        return tl::unexpected(port.error());
      }
      if (!option.put(paths[*port], value)) {
        return tl::unexpected(
            fmt::format("{} '{}': '{}' is not {}", option.name, text, value, option.wanted));
      }
    }
  }
  return paths;
}

}  // namespace braidway::ctrl
