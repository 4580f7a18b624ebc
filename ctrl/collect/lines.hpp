// What `braidwayctl collect` prints: of a report or a malformed datagram a JSON object, and that as a line
// for people. Every text in them is a number, an address or a word of ours: nothing that came by the wire can
// steer a terminal. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "ctrl/collect/ledger.hpp"
#include "telemetry/report.hpp"

namespace braidway::ctrl::collect {

using Json = nlohmann::ordered_json;

/// What is the same for all of a datagram.
struct Arrival {
  std::chrono::system_clock::time_point time;
  std::string sender;  ///< address
  std::uint16_t port;
  std::size_t bytes;  ///< of the payload
};

Json report_json(const Arrival& arrival, const telemetry::ReportGroup& group, bool other_sender,
                 const telemetry::Report& report, std::uint16_t int_port);
Json malformed_json(const Arrival& arrival, telemetry::ReportDefect defect);
Json counters_json(const Counters& counters);

/// The columns' names, with a newline.
std::string heads();
/// A line with a newline, of either kind of object.
std::string line_of(const Json& json);
/// Of counters_json(): a line for each but malformed ones that are 0.
std::string counters_text(const Json& json);

}  // namespace braidway::ctrl::collect
