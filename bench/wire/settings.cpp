#include "bench/wire/settings.hpp"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cstddef>

#include "bench/wire/parameters_json.hpp"
#include "dataplane/device.hpp"

namespace braidway::bench::wire {
namespace {

constexpr std::string_view top_keys =
    "paths, control, core, idle, hugepages, mtu, descriptors, stall_ms, seed";
constexpr std::string_view path_keys = "name, a, b, both, a>b, b>a, frames";
constexpr std::size_t most_paths = dataplane::max_devices / 2;
constexpr std::size_t longest_name = 32;
constexpr std::size_t longest_socket = 107;  // sizeof(sockaddr_un::sun_path) - 1
constexpr std::uint64_t most_frames = 1U << 20U;
constexpr std::uint32_t least_frames = 4096;

/// One key of a map: what takes its value.
template <class T>
struct Key {
  std::string_view name;
  void (*take)(const Json& given, const std::string& at, T& into, Problems& problems);
};

template <class T, std::size_t count>
void decode_map(const Json& given, const std::array<Key<T>, count>& keys, std::string_view known,
                const std::string& at, T& into, Problems& problems) {
  if (!given.is_object()) return refuse(given, "a map of " + std::string{known}, at, problems);
  for (const auto& [name, value] : given.items()) {
    const auto* const key = std::ranges::find(keys, name, &Key<T>::name);
    const std::string place = std::string{at}.append("/").append(name);
    if (key == keys.end()) {
      refuse_unknown(name, known, place, problems);
    } else {
      key->take(value, place, into, problems);
    }
  }
}

std::uint64_t whole_number(const Json& given, std::uint64_t least, std::uint64_t most, const std::string& at,
                           Problems& problems) {
  if (given.is_number_unsigned() && given.get<std::uint64_t>() >= least &&
      given.get<std::uint64_t>() <= most) {
    return given.get<std::uint64_t>();
  }
  refuse(given, "a whole number from " + std::to_string(least) + " to " + std::to_string(most), at, problems);
  return least;
}

template <auto member, std::uint64_t least, std::uint64_t most, class T>
void take_number(const Json& given, const std::string& at, T& into, Problems& problems) {
  using Value = std::remove_reference_t<decltype(into.*member)>;
  into.*member = static_cast<Value>(whole_number(given, least, most, at, problems));
}

/// One of two words.
template <bool Settings::* member, const char* yes, const char* no>
void take_choice(const Json& given, const std::string& at, Settings& into, Problems& problems) {
  if (given != yes && given != no) return refuse(given, std::string{yes} + " or " + no, at, problems);
  into.*member = given == yes;
}
constexpr char sleep_word[] = "sleep";
constexpr char poll_word[] = "poll";
constexpr char automatic_word[] = "automatic";
constexpr char off_word[] = "off";

void take_name(const Json& given, const std::string& at, PathSettings& into, Problems& problems) {
  const std::string name = given.is_string() ? given.get<std::string>() : "";
  const bool good =
      !name.empty() && name.size() <= longest_name && std::ranges::all_of(name, [](unsigned char c) {
        return c < 0x80 && (std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-');
      });
  if (!good) return refuse(given, "a name of 1 to 32 letters, digits, _, . or -", at, problems);
  into.name = name;
}

template <std::size_t end>
void take_device(const Json& given, const std::string& at, PathSettings& into, Problems& problems) {
  if (!given.is_string()) return refuse(given, "a device, as vhost:SOCKET,", at, problems);
  into.devices[end] = given.get<std::string>();
  if (const auto word = dataplane::parse_device_word(into.devices[end]); !word) {
    problems.push_back({at, word.error()});
  }
}

constexpr std::array path_fields{
    Key<PathSettings>{"name", take_name},
    Key<PathSettings>{"a", take_device<0>},
    Key<PathSettings>{"b", take_device<1>},
    Key<PathSettings>{"frames", take_number<&PathSettings::frames, 64, most_frames, PathSettings>},
    Key<PathSettings>{"both",
                      [](const Json& given, const std::string& at, PathSettings& into, Problems& problems) {
                        for (Parameters& each : into.directions) {
                          const std::size_t before = problems.size();
                          decode_parameters(given, at, each, problems);
                          if (problems.size() > before) return;  // once is enough
                        }
                      }},
    Key<PathSettings>{"a>b",
                      [](const Json& given, const std::string& at, PathSettings& into, Problems& problems) {
                        decode_parameters(given, at, into.directions[0], problems);
                      }},
    Key<PathSettings>{"b>a",
                      [](const Json& given, const std::string& at, PathSettings& into, Problems& problems) {
                        decode_parameters(given, at, into.directions[1], problems);
                      }},
};

PathSettings decode_path(Json given, const std::string& at, Problems& problems) {
  PathSettings path;
  if (given.is_object()) {
    for (const auto* const needed : {"name", "a", "b"}) {
      if (!given.contains(needed))
        problems.push_back({at, "key '" + std::string{needed} + "' is missing; add it"});
    }
    // First what is for both directions, wherever it stands: the particular overrules it.
    if (given.contains("both"))
      decode_map(Json{{"both", given["both"]}}, path_fields, path_keys, at, path, problems);
    given.erase("both");
  }
  decode_map(given, path_fields, path_keys, at, path, problems);
  if (path.frames == 0) {
    path.frames = std::max(frames_for(path.directions[0]), frames_for(path.directions[1]));
  }
  return path;
}

void take_paths(const Json& given, const std::string& at, Settings& into, Problems& problems) {
  if (!given.is_array() || given.empty() || given.size() > most_paths) {
    return refuse(given, "a list of 1 to " + std::to_string(most_paths) + " paths", at, problems);
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string here = at + "/" + std::to_string(i);
    const PathSettings path = decode_path(given[i], here, problems);
    for (const PathSettings& other : into.paths) {
      if (!path.name.empty() && other.name == path.name) {
        problems.push_back({here + "/name", "a path before has this name, too; choose another"});
      }
      for (std::size_t end = 0; end < end_names.size(); ++end) {
        if (!path.devices[end].empty() && std::ranges::count(other.devices, path.devices[end]) > 0) {
          problems.push_back(
              {here + "/" + std::string{end_names[end]},
               "path " + other.name + " has this device already; each end needs one of its own"});
        }
      }
    }
    if (!path.devices[0].empty() && path.devices[0] == path.devices[1]) {
      problems.push_back({here + "/b", "end a is the same device; each end needs one of its own"});
    }
    into.paths.push_back(path);
  }
}

void take_descriptors(const Json& given, const std::string& at, Settings& into, Problems& problems) {
  const bool good = given.is_number_unsigned() && given.get<std::uint64_t>() >= 64 &&
                    given.get<std::uint64_t>() <= 32768 && std::has_single_bit(given.get<std::uint64_t>());
  if (!good) return refuse(given, "a power of two from 64 to 32768", at, problems);
  into.descriptors = given.get<std::uint16_t>();
}

void take_control(const Json& given, const std::string& at, Settings& into, Problems& problems) {
  const std::string path = given.is_string() ? given.get<std::string>() : "";
  if (path.empty() || path.size() > longest_socket) {
    return refuse(given, "the path of a UNIX socket, 1 to 107 bytes,", at, problems);
  }
  into.control = path;
}

constexpr std::array top_fields{
    Key<Settings>{"paths", take_paths},
    Key<Settings>{"control", take_control},
    Key<Settings>{"core", take_number<&Settings::core, 0, 1023, Settings>},
    Key<Settings>{"idle", take_choice<&Settings::sleep, sleep_word, poll_word>},
    Key<Settings>{"hugepages", take_choice<&Settings::hugepages, automatic_word, off_word>},
    Key<Settings>{"mtu", take_number<&Settings::mtu, 68, 9600, Settings>},
    Key<Settings>{"descriptors", take_descriptors},
    Key<Settings>{"stall_ms", take_number<&Settings::stall_ms, 1, 60000, Settings>},
    Key<Settings>{"seed", take_number<&Settings::seed, 0, UINT64_MAX, Settings>},
};

}  // namespace

std::uint32_t frames_for(const Parameters& parameters) {
  // Of data packets and ACKs in equal numbers; without a limit, of more frames than one core carries.
  constexpr double mean_bytes = 512;
  constexpr double most_frames_a_second = 4e6;
  constexpr double normal_reach = 6;  // standard deviations, the most that is drawn
  const double reach = parameters.distribution == Jitter::normal ? normal_reach : 1;
  const double seconds =
      (static_cast<double>(value(parameters.delay)) + reach * static_cast<double>(value(parameters.jitter))) /
      1e9;
  const double rate = static_cast<double>(parameters.rate_bps) / 8 / mean_bytes;
  const double limited = rate == 0 ? most_frames_a_second : std::min(rate, most_frames_a_second);
  const double queue = rate == 0 ? 0 : static_cast<double>(parameters.queue_bytes) / mean_bytes;
  return static_cast<std::uint32_t>(
      std::clamp<double>(seconds * limited + queue, least_frames, static_cast<double>(most_frames)));
}

Settings decode_settings(const Json& given, Problems& problems) {
  Settings settings;
  decode_map(given, top_fields, top_keys, "", settings, problems);
  if (given.is_object() && !given.contains("paths")) {
    problems.push_back({"", "key 'paths' is missing; add a list of paths {name, a, b}"});
  }
  return settings;
}

}  // namespace braidway::bench::wire
