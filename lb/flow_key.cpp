#include "lb/flow_key.hpp"

namespace braidway::lb {

void hash_burst(std::span<const FlowKey> keys, std::uint64_t seed, std::span<std::uint64_t> hashes) noexcept {
  const detail::HashSecret secret{seed};
  for (std::size_t i = 0; i < keys.size(); ++i) hashes[i] = detail::hash(keys[i], secret);
}

}  // namespace braidway::lb
