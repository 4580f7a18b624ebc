// What a sink has measured of the paths from the peer, and what hosts' return traffic tells of those to it,
// as JSON and as text: for `show paths` and `replay`.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "dataplane/statistics.hpp"

namespace braidway::ctrl::api {

/// Times in nanoseconds; null where nothing was timed or held.
nlohmann::ordered_json received_json(const dataplane::ReceivedByPath& path);

/// The same.
nlohmann::ordered_json returned_json(const dataplane::ReturnedByPath& path);

/// A row a path of `paths`: its "name", and "received" as above.
std::string render_received(const nlohmann::ordered_json& paths);

/// A row a hop of theirs; nothing if no hop has told anything.
std::string render_hops(const nlohmann::ordered_json& paths);

/// The same with "returned"; nothing if the paths have none.
std::string render_returned(const nlohmann::ordered_json& paths);

}  // namespace braidway::ctrl::api
