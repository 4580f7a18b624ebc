// Columns of text for people: as wide as their widest cell, numbers to the right.
#pragma once

#include <string>
#include <vector>

namespace braidway::ctrl {

class Table {
 public:
  explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {}
  /// As many cells as there are heads.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  /// Two spaces between columns, a newline after each row.
  std::string to_string() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace braidway::ctrl
