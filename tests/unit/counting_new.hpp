// Counts every operator new of the program. To be included by one source of a test that shows that something
// takes no memory.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace braidway {

/// Calls of operator new so far.
inline std::size_t taken = 0;

inline void* take(std::size_t bytes, std::size_t alignment) {
  ++taken;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace braidway

// Not inlined: seen through to free() they would be taken for a mismatch with new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  return braidway::take(bytes, alignof(std::max_align_t));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return braidway::take(bytes, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
