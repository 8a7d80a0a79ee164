#include "offload_memory.hpp"

#include <omp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <memory>
#include <new>

#include "offload_device.hpp"
#include "offload_loops.hpp"
#include "quartic/compute/buffer.hpp"

namespace quartic::compute {
namespace {

constexpr std::size_t alignment = 64;

/// Blocks that only kernels and copies may touch: each ends, to 64 bytes, at a page that nobody
/// may.
class GuardedBlocks {
 public:
  void* add(std::size_t bytes) {
    std::size_t const size = up(bytes, page_);
    void* const base = mmap(nullptr, size + page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) failure("no {} bytes of memory for a device's", bytes);
    char* const pages = static_cast<char*>(base);
    char* const first = pages + size - up(bytes, alignment);
    blocks_[first] = {pages, size, bytes};
    if (open_ > 0) mprotect(pages, size, PROT_READ | PROT_WRITE);
    return first;
  }
  void remove(void* first) {
    auto const block = blocks_.find(static_cast<char*>(first));
    munmap(block->second.pages, block->second.size + page_);
    blocks_.erase(block);
  }
  bool holds(char const* first, std::int64_t bytes) const {
    auto next = blocks_.upper_bound(const_cast<char*>(first));
    if (next == blocks_.begin()) return false;
    auto const& [begin, block] = *--next;
    return first + bytes <= begin + block.bytes;
  }
  void open() {
    if (open_++ == 0) protect(PROT_READ | PROT_WRITE);
  }
  void close() {
    if (--open_ == 0) protect(PROT_NONE);
  }

 private:
  struct Block {
    char* pages;
    std::size_t size;   ///< of the pages that can be opened
    std::size_t bytes;  ///< asked for
  };
  static std::size_t up(std::size_t bytes, std::size_t unit) {
    return (bytes + unit - 1) / unit * unit;
  }
  void protect(int access) {
    for (auto const& [first, block] : blocks_) mprotect(block.pages, block.size, access);
  }

  std::map<char*, Block> blocks_;
  std::size_t page_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  int open_ = 0;
};

// Null where memory is not guarded.
std::unique_ptr<GuardedBlocks>& guarded() {
  static std::unique_ptr<GuardedBlocks> blocks;
  return blocks;
}

// A device's memory is not zeros, and OpenMP has no call that makes it so.
void clear(void* memory, std::int64_t bytes) {
  auto* const words = static_cast<std::uint64_t*>(memory);
  for_each((bytes + 7) / 8, [=](std::int64_t i) { words[i] = 0; });
}

void copy(void* to, int to_device, void const* from, int from_device, std::int64_t bytes) {
  OpenMemory const open;
  if (omp_target_memcpy(to, from, static_cast<std::size_t>(bytes), 0, 0, to_device, from_device) !=
      0)
    failure("a copy of {} bytes to or from the device failed", bytes);
}

}  // namespace

void guard_memory() {
  guarded() = std::make_unique<GuardedBlocks>();
}

bool is_device_memory(void const* first, std::int64_t bytes) {
  return guarded() == nullptr || bytes == 0 ||
         guarded()->holds(static_cast<char const*>(first), bytes);
}

OpenMemory::OpenMemory() {
  if (guarded() != nullptr) guarded()->open();
}

OpenMemory::~OpenMemory() {
  if (guarded() != nullptr) guarded()->close();
}

void copy_within(void* to, void const* from, std::int64_t bytes) {
  int const device = omp_get_default_device();
  copy(to, device, from, device, bytes);
}

namespace detail {

void* allocate(std::int64_t bytes) {
  auto const size = static_cast<std::size_t>(bytes);
  if (!on_device()) return std::memset(::operator new (size, std::align_val_t{alignment}), 0, size);
  if (guarded() != nullptr) return guarded()->add(size);
  // Whole words, for clear().
  void* const memory = omp_target_alloc((size + 7) / 8 * 8, omp_get_default_device());
  if (memory == nullptr) failure("the device has no {} bytes of memory left", bytes);
  clear(memory, bytes);
  return memory;
}

void release(void* memory, std::int64_t /*bytes*/) noexcept {
  if (!on_device()) return ::operator delete (memory, std::align_val_t{alignment});
  if (guarded() != nullptr) return guarded()->remove(memory);
  omp_target_free(memory, omp_get_default_device());
}

void copy_in(void* to, void const* from, std::int64_t bytes) {
  int const device = on_device() ? omp_get_default_device() : omp_get_initial_device();
  copy(to, device, from, omp_get_initial_device(), bytes);
}

void copy_out(void* to, void const* from, std::int64_t bytes) {
  int const device = on_device() ? omp_get_default_device() : omp_get_initial_device();
  copy(to, omp_get_initial_device(), from, device, bytes);
}

}  // namespace detail
}  // namespace quartic::compute
