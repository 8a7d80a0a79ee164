#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

/// How much memory this process may have, and errors that say so.
namespace quartic {

/// A bound on the memory of this process.
struct MemoryLimit {
  std::string name;  ///< "the address space is limited (ulimit -v)", …
  std::int64_t bytes = 0;
  std::int64_t used = 0;
};

/// The bounds that the system sets: the address space (RLIMIT_AS), the control groups that the
/// process is in (version 1 or 2), and the node's free memory. Those that bind nothing are left
/// out.
std::vector<MemoryLimit> memory_limits();

/// Bytes that this process may still take: by the tightest of memory_limits().
std::int64_t available_memory_bytes();

/// The tightest limit in words: "the address space is limited (ulimit -v) to 400 MB, of which 213
/// MB are in use".
std::string tightest_memory_limit();

/// Says what memory is wanted for, while it lives: `new` that fails then names it. One at a time on
/// a thread; the innermost counts.
class MemoryPurpose {
 public:
  explicit MemoryPurpose(char const* what);
  ~MemoryPurpose();
  MemoryPurpose(MemoryPurpose const&) = delete;
  MemoryPurpose& operator=(MemoryPurpose const&) = delete;
  static char const* current();  ///< empty: none

 private:
  char const* outer_;
};

/// Memory that cannot be had. Its text: what it was wanted for, how many bytes, and which limit
/// applies.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(std::size_t bytes) noexcept;
  char const* what() const noexcept override { return text_; }

 private:
  char text_[256] = {};
};

}  // namespace quartic
