#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

/// Counts the program's allocations by replacing operator new. Include it in one file of an
/// executable: the replacement is a definition.
namespace quartic::test {

inline std::size_t allocation_count = 0;
inline std::size_t allocations() {
  return allocation_count;
}

}  // namespace quartic::test

// Not inlined: the compiler would take one without the other for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++quartic::test::allocation_count;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  ++quartic::test::allocation_count;
  auto const step = static_cast<std::size_t>(alignment);
  if (void* const memory = std::aligned_alloc(step, (size + step - 1) / step * step)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return operator new(size, alignment);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
