#include "ctrl/api/dpdk_telemetry.hpp"

#include <mutex>
#include <optional>
#include <sstream>

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

void fill(rte_tel_data* data, const Json& value);

rte_tel_data* nested(const Json& value) {
  rte_tel_data* inner = rte_tel_data_alloc();
  if (inner != nullptr) {
    fill(inner, value);
  }
  return inner;
}

void fill_dict(rte_tel_data* data, const Json& object) {
  rte_tel_data_start_dict(data);
  for (const auto& [key, value] : object.items()) {
    const std::string name = tel_name(key);
    if (value.is_structured()) {
      rte_tel_data_add_dict_container(data, name.c_str(), nested(value), 0);
    } else if (value.is_number_unsigned()) {
      rte_tel_data_add_dict_u64(data, name.c_str(), value.get<std::uint64_t>());
    } else if (value.is_number_integer() && value.get<std::int64_t>() >= 0) {
      rte_tel_data_add_dict_u64(data, name.c_str(), value.get<std::uint64_t>());
    } else {
      rte_tel_data_add_dict_string(data, name.c_str(), tel_string(value).c_str());
    }
  }
}

void fill(rte_tel_data* data, const Json& value) {
  if (!value.is_array()) {
    fill_dict(data, value);
    return;
  }
  rte_tel_data_start_array(data, RTE_TEL_CONTAINER);
  for (const auto& element : value) {
    rte_tel_data_add_array_container(data, nested(element), 0);
  }
}

/// "a,b,c" in the order of the command's arguments.
tl::expected<Arguments, std::string> arguments_of(const Command& command, const char* parameters) {
  Arguments arguments;
  std::istringstream text(parameters == nullptr ? "" : parameters);
  for (const auto& argument : command.arguments) {
    std::string value;
    if (!std::getline(text, value, ',')) {
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
