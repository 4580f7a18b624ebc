// What may be used only once in a configuration. Plain values, any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ctrl/config/yaml.hpp"

namespace braidway::ctrl {

inline std::string on_line(const Location& at) { return "on line " + std::to_string(at.line); }

/// Reports the second use of a thing.
class Uses {
 public:
  explicit Uses(std::vector<Problem>& problems) : problems_(problems) {}

  /// `what` begins the sentence: "core 2 is used twice"; `remedy` ends it.
  /// Whether this is the first use.
  bool add(const std::string& thing, const Location& at, const std::string& what, std::string_view remedy) {
    const auto [first, is_new] = first_.emplace(thing, at);
    if (is_new) {
      return true;
    }
    problems_.push_back({at, what + " twice, first " + on_line(first->second) + "; " + std::string(remedy)});
    return false;
  }

  [[nodiscard]] bool contains(const std::string& thing) const { return first_.contains(thing); }

 private:
  std::vector<Problem>& problems_;
  std::map<std::string, Location> first_;
};

}  // namespace braidway::ctrl
