// The parameters of a direction as users write and read them: in the file, in requests and in reports, with
// the same keys, units and limits everywhere. Plain values, any thread.
#pragma once

#include <string>

#include "bench/wire/parameters.hpp"
#include "bench/wire/problem.hpp"

namespace braidway::bench::wire {

/// Changes what is given and leaves the rest. `at`: where `given` stands.
void decode_parameters(const Json& given, const std::string& at, Parameters& into, Problems& problems);
Json to_json(const Parameters& parameters);
/// "rate_mbps, queue_bytes, ...", for messages.
std::string parameter_keys();

}  // namespace braidway::bench::wire
