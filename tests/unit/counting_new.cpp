// Counts every operator new of the program.
#include "tests/unit/counting_new.hpp"

#include <cstdlib>
#include <new>

namespace braidway {

std::size_t taken = 0;

namespace {

void* take(std::size_t bytes, std::size_t alignment) {
  ++taken;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace
}  // namespace braidway

void* operator new(std::size_t bytes) { return braidway::take(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return braidway::take(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
