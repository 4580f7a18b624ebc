#include "ctrl/api/table.hpp"

#include <algorithm>

namespace braidway::ctrl {
namespace {

bool is_number(const std::string& cell) {
  return !cell.empty() && cell.find_first_not_of("0123456789.%-") == std::string::npos;
}

}  // namespace

std::string Table::to_string() const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> right(columns, rows_.size() > 1);
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      widths[column] = std::max(widths[column], rows_[row][column].size());
      right[column] = right[column] && (row == 0 || is_number(rows_[row][column]));
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t column = 0; column < columns; ++column) {
      const std::string pad(widths[column] - row[column].size(), ' ');
      line += (column == 0 ? "" : "  ") + (right[column] ? pad + row[column] : row[column] + pad);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace braidway::ctrl
