// The program's `new`: one that fails says how much was wanted, what for, and which limit applies.
#include <cstdlib>
#include <new>

#include "quartic/app/process.hpp"
#include "quartic/core/memory.hpp"

namespace {

void* checked(void* memory, std::size_t bytes) {
  if (memory == nullptr) throw quartic::OutOfMemory(bytes);
  return memory;
}

}  // namespace

// Not inlined: the compiler would take one without the other for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  return checked(std::malloc(bytes == 0 ? 1 : bytes), bytes);
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  auto const step = static_cast<std::size_t>(alignment);
  return checked(std::aligned_alloc(step, (bytes + step - 1) / step * step), bytes);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*bytes*/,
                                       std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
