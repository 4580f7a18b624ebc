// A wire's state as JSON: the answer to {"show": true} and the last words. Plain values, any thread.
#pragma once

#include <span>

#include "bench/wire/problem.hpp"
#include "bench/wire/wire.hpp"

namespace braidway::bench::wire {

/// {"paths": [{"name", "a": "up", "b": "up", "a>b": {...}, "b>a": {...}}], "late_ns": {...}}
Json to_json(std::span<const PathSettings> settings, std::span<const PathState> states);

}  // namespace braidway::bench::wire
