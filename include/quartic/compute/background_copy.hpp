#pragma once

#include <cstddef>
#include <memory>
#include <span>

/// Copies that go on beside the host and the kernels, and the host's memory that they need.
/// For a process that computes on a device; on the host there is nothing to copy.
namespace quartic::compute {

class CopyWork;

/// Memory of the host that a device reads and writes by itself: page-locked. Failure when the
/// driver has no more of it.
class PinnedMemory {
 public:
  explicit PinnedMemory(std::size_t bytes);
  ~PinnedMemory();  // NOLINT: nothing to do in a build without device code
  PinnedMemory(PinnedMemory const&) = delete;
  PinnedMemory& operator=(PinnedMemory const&) = delete;
  std::byte* data() { return first_; }

 private:
  std::byte* first_ = nullptr;
};

/// One copy at a time. Between a call and done() the two places belong to the copy: nothing may
/// write what it reads, nor touch what it writes.
class BackgroundCopy {
 public:
  BackgroundCopy();
  ~BackgroundCopy();  ///< waits
  BackgroundCopy(BackgroundCopy const&) = delete;
  BackgroundCopy& operator=(BackgroundCopy const&) = delete;

  /// To pinned memory, when the kernels started so far have ended.
  void to_host(std::span<std::byte const> from, std::byte* to);
  /// From pinned memory. Kernels and copies started from now on find it done, without asking.
  void from_host(std::byte const* from, std::span<std::byte> to);
  /// No copy: done() when the kernels started so far have ended.
  void follow_kernels();

  bool done();  ///< never blocks
  void wait();

 private:
  std::unique_ptr<CopyWork> work_;
};

}  // namespace quartic::compute
