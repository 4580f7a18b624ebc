// An order window's news, kept for tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lb/order_news.hpp"

namespace braidway::lb {

class RecordedNews final : public OrderNews {
 public:
  enum class What : std::uint8_t { late, repeated, overtaken, held };
  struct Item {
    What what;
    GatewayId source;
    PathId path;
    std::int64_t ns;

    friend bool operator==(const Item&, const Item&) = default;
  };

  void late(GatewayId source, PathId path) noexcept override { all.push_back({What::late, source, path, 0}); }
  void repeated(GatewayId source, PathId path) noexcept override {
    all.push_back({What::repeated, source, path, 0});
  }
  void overtaken(GatewayId source, PathId path) noexcept override {
    all.push_back({What::overtaken, source, path, 0});
  }
  void held(GatewayId source, PathId path, Nanoseconds time) noexcept override {
    all.push_back({What::held, source, path, value(time)});
  }
  [[nodiscard]] std::size_t count(What what) const {
    return static_cast<std::size_t>(std::ranges::count(all, what, &Item::what));
  }

  std::vector<Item> all;
};

}  // namespace braidway::lb
