// What an order window tells of the packets that are not in order, as it happens: for who meters the paths.
// Pure; called by the window's owner, inside push() and poll().
#pragma once

#include "lb/types.hpp"

namespace braidway::lb {

class OrderNews {
 public:
  /// A packet came after its gap was given up, or again.
  virtual void late(GatewayId source, PathId path) noexcept = 0;
  /// A packet was held whose like was held as well.
  virtual void repeated(GatewayId source, PathId path) noexcept = 0;
  /// A packet came after a later one of its flow and path.
  virtual void overtaken(GatewayId source, PathId path) noexcept = 0;
  /// A packet that was held for `time` is handed on.
  virtual void held(GatewayId source, PathId path, Nanoseconds time) noexcept = 0;

 protected:
  OrderNews() = default;
  OrderNews(const OrderNews&) = default;
  OrderNews& operator=(const OrderNews&) = default;
  ~OrderNews() = default;
};

}  // namespace braidway::lb
