// What the control socket may be asked, a line of JSON each:
//
//   {"set": {"path": "rail0", "direction": "a>b", "delay_us": 50, "loss": 0.001, "cut": true}}
//   {"show": true}
//
// Without a direction (or with "both") `set` is for both; what it does not name stays as it is. Plain values,
// any thread.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <tl/expected.hpp>

#include "bench/wire/settings.hpp"

namespace braidway::bench::wire {

struct Show {};
struct Set {
  std::size_t path = 0;                  ///< index
  std::array<Parameters, 2> directions;  ///< as they are to be, those that do not change too
};
using Request = std::variant<Show, Set>;

/// `paths`: as they are. Error: "set.loss: 2 stands here; a share from 0 to 1 is wanted", every problem.
tl::expected<Request, std::string> read_request(std::string_view line, std::span<const PathSettings> paths);

}  // namespace braidway::bench::wire
