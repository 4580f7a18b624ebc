#include "bench/fabric/network_event.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace braidway::bench::fabric {
namespace {

using Kind = NetworkEvent::Kind;

struct Form {
  std::string_view name;
  Kind kind;
  std::size_t words;  ///< with the time
  std::string_view arguments;
};
constexpr std::array<Form, 9> forms{{
    {"down", Kind::down, 3, "A-B"},
    {"up", Kind::up, 3, "A-B"},
    {"rate", Kind::rate, 4, "A-B RATE"},
    {"delay", Kind::delay, 4, "A-B DELAY"},
    {"loss", Kind::loss, 4, "A-B SHARE"},
    {"divert", Kind::divert, 4, "A-B A-C"},
    {"background", Kind::background, 4, "A-B SHARE"},
    {"on-off", Kind::on_off, 6, "A-B SHARE ON OFF"},
    {"periodic", Kind::periodic, 7, "A-B SHARE PERIOD ON JITTER"},
}};

using Unit = std::pair<std::string_view, double>;
constexpr std::array<Unit, 4> time_units{{{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}}};
constexpr std::array<Unit, 4> rate_units{{{"Gbps", 1e9}, {"Mbps", 1e6}, {"Kbps", 1e3}, {"bps", 1}}};

[[noreturn]] void refuse(std::string_view name, std::string_view word, std::string_view expected) {
  throw std::invalid_argument(std::string{name} + " is " + std::string{word} + ", not " +
                              std::string{expected});
}

template <typename Number>
bool parse(std::string_view word, Number& number) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc{} && end == word.data() + word.size();
}

double with_unit(std::string_view word, std::string_view name, std::span<const Unit> units, double low,
                 double high, std::string_view expected) {
  for (const auto& [unit, factor] : units) {
    double number = 0;
    if (!word.ends_with(unit) || !parse(word.substr(0, word.size() - unit.size()), number)) continue;
    if (std::isfinite(number) && number * factor >= low && number * factor <= high) return number * factor;
    break;
  }
  refuse(name, word, expected);
}

double share_of(std::string_view word, double high, std::string_view expected) {
  double share = 0;
  if (!parse(word, share) || !(share >= 0) || share > high) refuse("the share", word, expected);
  return share;
}

std::pair<NodeIndex, NodeIndex> link_of(std::string_view word) {
  std::pair<NodeIndex, NodeIndex> nodes;
  const std::size_t dash = word.find('-');
  if (dash == std::string_view::npos || !parse(word.substr(0, dash), nodes.first) ||
      !parse(word.substr(dash + 1), nodes.second)) {
    refuse("the link", word, "two nodes as 32-36");
  }
  return nodes;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t from = text.find_first_not_of(' '); from != std::string_view::npos;) {
    const std::size_t to = std::min(text.find(' ', from), text.size());
    words.push_back(text.substr(from, to - from));
    from = text.find_first_not_of(' ', to);
  }
  return words;
}

const Form& form_of(const std::vector<std::string_view>& words) {
  std::string known;
  for (const Form& form : forms) {
    if (words.size() > 1 && words[1] == form.name) {
      if (words.size() == form.words) return form;
      throw std::invalid_argument("expected TIME " + std::string{form.name} + " " +
                                  std::string{form.arguments});
    }
    known += " " + std::string{form.name};
  }
  throw std::invalid_argument("expected a time and one of" + known);
}

constexpr std::string_view load_share = "a share of the rate from 0 to 0.99";
constexpr double most_load = 0.99;
/// Of traffic that comes and goes: a run with shorter bursts would simulate little else.
constexpr double shortest_burst = 1'000;

void parse_arguments(NetworkEvent& event, const std::vector<std::string_view>& words) {
  switch (event.kind) {
    case Kind::down:
    case Kind::up:
      return;
    case Kind::rate:
      event.rate = static_cast<std::uint64_t>(with_unit(words[3], "the rate", rate_units, 1e6, 10e12,
                                                        "a rate from 1Mbps to 10000Gbps as 25Gbps"));
      return;
    case Kind::delay:
      event.delay = parse_time(words[3], "the delay", 0);
      return;
    case Kind::loss:
      event.share = share_of(words[3], 1, "a share of packets from 0 to 1");
      return;
    case Kind::divert: {
      const auto [from, to] = link_of(words[3]);
      if (from != event.a) refuse("the other way", words[3], "one from node " + std::to_string(event.a));
      event.c = to;
      return;
    }
    case Kind::background:
      event.share = share_of(words[3], most_load, load_share);
      return;
    case Kind::on_off:
      event.share = share_of(words[3], most_load, load_share);
      event.on = parse_time(words[4], "the time on", shortest_burst);
      event.off = parse_time(words[5], "the time off", shortest_burst);
      return;
    case Kind::periodic:
      event.share = share_of(words[3], most_load, load_share);
      event.period = parse_time(words[4], "the period", shortest_burst);
      event.on = parse_time(words[5], "the time on", shortest_burst);
      event.jitter = parse_time(words[6], "the jitter", 0);
      if (event.on + event.jitter >= event.period)
        throw std::invalid_argument("the time on and the jitter fill the period: bursts would overlap");
  }
}

}  // namespace

Nanoseconds parse_time(std::string_view word, std::string_view name, double low) {
  constexpr double longest = 1e15;
  return std::llround(with_unit(word, name, time_units, low, longest,
                                low > 1   ? "a time of 1us or more (ns, us, ms, s)"
                                : low > 0 ? "a time above 0 as 5us (ns, us, ms, s)"
                                          : "a time as 2ms (ns, us, ms, s)"));
}

NetworkEvent parse_network_event(const std::string& text) {
  const auto words = words_of(text);
  const Form& form = form_of(words);
  NetworkEvent event;
  event.kind = form.kind;
  event.at = parse_time(words[0], "the time", 0);
  std::tie(event.a, event.b) = link_of(words[2]);
  parse_arguments(event, words);
  return event;
}

std::string describe(const NetworkEvent& event) {
  std::string name;
  for (const Form& form : forms) {
    if (form.kind == event.kind) name = form.name;
  }
  return name + " " + std::to_string(event.a) + "-" + std::to_string(event.b) + " at " +
         std::to_string(event.at) + " ns";
}

}  // namespace braidway::bench::fabric
