// What is wrong with a file or a request, and where. Plain values, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace braidway::bench::wire {

using Json = nlohmann::ordered_json;

struct Problem {
  std::string at;       ///< JSON pointer (RFC 6901): "/paths/0/both/loss"
  std::string what;     ///< "what is wrong; what would be right"
  bool of_key = false;  ///< the key itself is wrong, not what stands behind it
};
using Problems = std::vector<Problem>;

/// "'x' stands here; a number is wanted"
void refuse(const Json& found, std::string_view wanted, const std::string& at, Problems& problems);
/// "unknown key 'x'; known here: a, b"
void refuse_unknown(std::string_view key, std::string_view known, const std::string& at, Problems& problems);

}  // namespace braidway::bench::wire
