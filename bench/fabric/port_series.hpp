// How much data each port has sent, over time: what utilisation is drawn from. Bins of equal length, counted
// from time 0 of the simulated clock. Owner: the thread of its simulation. Allocates as time goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

class PortSeries {
 public:
  /// `bin`: length, ns; 0 records nothing.
  PortSeries(std::size_t ports, Nanoseconds start, Nanoseconds bin)
      : ports_(ports), bin_(bin), first_bin_(bin > 0 ? start / bin : 0) {}

  [[nodiscard]] bool enabled() const noexcept { return bin_ > 0; }
  void add(PortIndex port, Nanoseconds at, std::uint32_t bytes) {
    const auto bin = static_cast<std::size_t>(at / bin_ - first_bin_);
    if (bin >= bins()) bytes_.resize((bin + 1) * ports_);
    bytes_[bin * ports_ + port] += bytes;
  }

  [[nodiscard]] std::size_t bins() const noexcept { return bytes_.size() / ports_; }
  /// When a bin begins.
  [[nodiscard]] Nanoseconds at(std::size_t bin) const noexcept {
    return (first_bin_ + static_cast<Nanoseconds>(bin)) * bin_;
  }
  /// Of data, on the wire.
  [[nodiscard]] std::uint64_t bytes(std::size_t bin, PortIndex port) const noexcept {
    return bytes_[bin * ports_ + port];
  }

 private:
  std::size_t ports_;
  Nanoseconds bin_;
  Nanoseconds first_bin_;
  std::vector<std::uint64_t> bytes_;  ///< by bin and port
};

}  // namespace braidway::bench::fabric
