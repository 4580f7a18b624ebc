#include "ctrl/api/dpdk_telemetry.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <rte_telemetry.h>

namespace braidway::ctrl {
namespace {

// rte_telemetry calls back without a context of ours, and registers for good: what a call may use stands
// here.
std::mutex guard;
std::optional<Session> current;

/// Names in rte_telemetry's dictionaries are letters, digits and '_'.
std::string tel_name(std::string name) {
  for (char& c : name) {
    c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
}

/// Strings there have at most 128 bytes with their end.
std::string tel_string(const Json& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  return text.substr(0, RTE_TEL_MAX_STRING_LEN - 1);
}

bool is_count(const Json& value) {
  return value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0);
}

/// One key of a list's objects as an array: numbers where all are, else strings.
void add_column(rte_tel_data* data, const std::string& name, const Json& list, const std::string& key) {
  rte_tel_data* column = rte_tel_data_alloc();
  if (column == nullptr) {
    return;
  }
  const bool numbers = std::ranges::all_of(
      list, [&](const Json& element) { return element.contains(key) && is_count(element.at(key)); });
  rte_tel_data_start_array(column, numbers ? RTE_TEL_U64_VAL : RTE_TEL_STRING_VAL);
  for (const auto& element : list) {
    if (numbers) {
      rte_tel_data_add_array_u64(column, element.at(key).get<std::uint64_t>());
    } else {
      rte_tel_data_add_array_string(column, tel_string(element.value(key, Json(""))).c_str());
    }
  }
  rte_tel_data_add_dict_container(data, name.c_str(), column, 0);
}

/// DPDK 22.11 nests nothing but arrays of numbers or strings: a list of objects becomes a column for each of
/// their keys, `paths: [{name, weight}]` the two arrays paths_name and paths_weight.
void add_list(rte_tel_data* data, const std::string& name, const Json& list) {
  std::vector<std::string> keys;
  for (const auto& element : list) {
    for (const auto& [key, value] : element.items()) {
      if (std::ranges::find(keys, key) == keys.end()) {
        keys.push_back(key);
      }
    }
  }
  for (const auto& key : keys) {
    add_column(data, tel_name(fmt::format("{}_{}", name, key)), list, key);
  }
}

void fill_dict(rte_tel_data* data, const Json& object) {
  rte_tel_data_start_dict(data);
  for (const auto& [key, value] : object.items()) {
    const std::string name = tel_name(key);
    if (value.is_array()) {
      add_list(data, name, value);
    } else if (is_count(value)) {
      rte_tel_data_add_dict_u64(data, name.c_str(), value.get<std::uint64_t>());
    } else {
      rte_tel_data_add_dict_string(data, name.c_str(), tel_string(value).c_str());
    }
  }
}

/// "a,b,c" in the order of the command's arguments.
tl::expected<Arguments, std::string> arguments_of(const Command& command, const char* parameters) {
  Arguments arguments;
  std::istringstream text(parameters == nullptr ? "" : parameters);
  for (const auto& argument : command.arguments) {
    std::string value;
    if (!std::getline(text, value, ',')) {
      if (!argument.required) {
        continue;
      }
      return tl::unexpected("argument " + std::string(argument.name) +
                            " is missing: " + std::string(argument.help));
    }
    arguments[std::string(argument.name)] = value;
  }
  return arguments;
}

int answer(const char* route, const char* parameters, rte_tel_data* data) {
  const std::scoped_lock lock(guard);
  if (!current) {
    return -1;
  }
  for (const Command& command : commands()) {
    if (command.changes || telemetry_name_of(command) != route) {
      continue;
    }
    const auto answered = arguments_of(command, parameters).and_then([&](const Arguments& arguments) {
      return command.answer(*current, arguments);
    });
    fill_dict(data, answered ? *answered : Json{{"error", answered.error()}});
    return 0;
  }
  return -1;
}

}  // namespace

DpdkTelemetry::DpdkTelemetry(Session session) {
  const std::scoped_lock lock(guard);
  current.emplace(session);
  for (const Command& command : commands()) {
    if (!command.changes) {
      rte_telemetry_register_cmd(telemetry_name_of(command).c_str(), answer,
                                 std::string(command.help).c_str());
    }
  }
}

DpdkTelemetry::~DpdkTelemetry() {
  const std::scoped_lock lock(guard);
  current.reset();
}

}  // namespace braidway::ctrl
