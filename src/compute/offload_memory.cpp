#include "offload_memory.hpp"

#include <omp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "offload_copy.hpp"
#include "offload_device.hpp"
#include "offload_loops.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/compute/device.hpp"

namespace quartic::compute {
namespace {

constexpr std::size_t alignment = 64;

std::size_t up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

std::size_t page_size() {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

char* reserve(std::size_t bytes) {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* const memory = mmap(nullptr, bytes, PROT_NONE, flags, -1, 0);
  if (memory == MAP_FAILED) failure("cannot reserve {} bytes in place of device memory", bytes);
  return static_cast<char*>(memory);
}

/// Memory that only kernels and copies may touch.
class GuardedMemory {
 public:
  virtual ~GuardedMemory() = default;
  virtual char* add(std::size_t bytes) = 0;
  virtual void remove(char* first) = 0;

  bool holds(char const* first, std::int64_t bytes) const {
    auto next = sizes_.upper_bound(const_cast<char*>(first));
    if (next == sizes_.begin()) return false;
    auto const& [begin, size] = *--next;
    return first + bytes <= begin + size;
  }
  void open() {
    if (open_++ == 0) protect(PROT_READ | PROT_WRITE);
  }
  void close() {
    if (--open_ == 0) protect(PROT_NONE);
  }

 protected:
  bool is_open() const { return open_ > 0; }
  virtual void protect(int access) = 0;
  std::map<char*, std::size_t> sizes_;  // of the blocks, as asked for

 private:
  int open_ = 0;
};

/// Each block ends, to 64 bytes, at a page that nobody may touch.
class GuardedBlocks final : public GuardedMemory {
 public:
  char* add(std::size_t bytes) override {
    std::size_t const size = up(bytes, page_);
    char* const pages = reserve(size + page_);
    char* const first = pages + size - up(bytes, alignment);
    sizes_[first] = bytes;
    if (is_open()) mprotect(pages, size, PROT_READ | PROT_WRITE);
    return first;
  }
  void remove(char* first) override {
    auto const block = sizes_.find(first);
    munmap(pages_of(*block), up(block->second, page_) + page_);
    sizes_.erase(block);
  }

 private:
  char* pages_of(std::pair<char* const, std::size_t> const& block) const {
    return block.first + up(block.second, alignment) - up(block.second, page_);
  }
  void protect(int access) override {
    for (auto const& block : sizes_) mprotect(pages_of(block), up(block.second, page_), access);
  }

  std::size_t page_ = page_size();
};

/// All blocks one after the other, so that opening is one call, however many there are: for whole
/// programs. A kernel that leaves its block goes unnoticed.
class GuardedRegion final : public GuardedMemory {
 public:
  char* add(std::size_t bytes) override {
    std::size_t const size = up(bytes, alignment);
    std::vector<char*>& free = free_[size];
    if (free.empty()) {
      if (used_ + size > capacity)
        failure("cannot reserve {} bytes in place of device memory", bytes);
      free.push_back(base_ + used_);
      used_ += size;
    }
    char* const first = free.back();
    free.pop_back();
    sizes_[first] = bytes;
    protect(PROT_READ | PROT_WRITE);
    std::memset(first, 0, size);
    if (!is_open()) protect(PROT_NONE);
    return first;
  }
  void remove(char* first) override {
    auto const block = sizes_.find(first);
    free_[up(block->second, alignment)].push_back(first);
    sizes_.erase(block);
  }

 private:
  static constexpr std::size_t capacity = std::size_t{1} << 36;
  static constexpr std::size_t huge_page = std::size_t{1} << 21;  // opened as fast as a small one

  static char* reserve_huge() {
    char* const memory = reserve(capacity + huge_page);
    std::size_t const beyond = reinterpret_cast<std::uintptr_t>(memory) % huge_page;
    char* const base = memory + (huge_page - beyond) % huge_page;
    madvise(base, capacity, MADV_HUGEPAGE);
    return base;
  }
  void protect(int access) override { mprotect(base_, up(used_, huge_page), access); }

  char* base_ = reserve_huge();
  std::size_t used_ = 0;
  std::map<std::size_t, std::vector<char*>> free_;  // by size
};

// Null where memory is not guarded.
std::unique_ptr<GuardedMemory>& guarded() {
  static std::unique_ptr<GuardedMemory> memory;
  return memory;
}

DeviceTraffic traffic;  // NOLINT: of the process

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

// Where Buffers are, to which or from which so many bytes are about to be copied.
int place_of_copy(std::int64_t bytes) {
  if (!on_device()) return omp_get_initial_device();
  count_copy(bytes);
  return omp_get_default_device();
}

}  // namespace

DeviceTraffic device_traffic() {
  return traffic;
}

void count_copy(std::int64_t bytes) {
  ++traffic.copies;
  traffic.bytes += bytes;
}

void guard_memory(Guard guard) {
  if (guard == Guard::blocks)
    guarded() = std::make_unique<GuardedBlocks>();
  else if (guard == Guard::region)
    guarded() = std::make_unique<GuardedRegion>();
}

bool is_device_memory(void const* first, std::int64_t bytes) {
  return guarded() == nullptr || bytes == 0 ||
         guarded()->holds(static_cast<char const*>(first), bytes);
}

OpenMemory::OpenMemory() {
  if (host_stands_in()) finish_copies_from_host();
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
  ++traffic.allocations;
  if (guarded() != nullptr) return guarded()->add(size);
  // Whole words, for clear().
  void* const memory = omp_target_alloc((size + 7) / 8 * 8, omp_get_default_device());
  if (memory == nullptr)
    failure("the device is out of memory: {} bytes cannot be allocated", bytes);
  clear(memory, bytes);
  return memory;
}

void release(void* memory, std::int64_t /*bytes*/) noexcept {
  if (!on_device()) return ::operator delete (memory, std::align_val_t{alignment});
  if (guarded() != nullptr) return guarded()->remove(static_cast<char*>(memory));
  omp_target_free(memory, omp_get_default_device());
}

void copy_in(void* to, void const* from, std::int64_t bytes) {
  copy(to, place_of_copy(bytes), from, omp_get_initial_device(), bytes);
}

void copy_out(void* to, void const* from, std::int64_t bytes) {
  copy(to, omp_get_initial_device(), from, place_of_copy(bytes), bytes);
}

}  // namespace detail
}  // namespace quartic::compute
