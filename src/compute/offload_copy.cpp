// Copies beside the kernels, on a stream of their own. Where the host stands in for a device they
// are put off for as long as a device could take, so that who touches their places too early is
// found out.
#include "offload_copy.hpp"

#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "offload_device.hpp"
#include "offload_driver.hpp"
#include "offload_memory.hpp"
#include "quartic/compute/background_copy.hpp"
#include "quartic/core/check.hpp"

namespace quartic::compute {
namespace {

constexpr std::align_val_t alignment{64};

void* allocate_pinned(std::size_t bytes) {
  return host_stands_in() ? ::operator new(bytes, alignment) : driver::allocate_pinned(bytes);
}

}  // namespace

PinnedMemory::PinnedMemory(std::size_t bytes)
    : first_(static_cast<std::byte*>(allocate_pinned(bytes))) {}

PinnedMemory::~PinnedMemory() {
  if (host_stands_in())
    ::operator delete(first_, alignment);
  else
    driver::release_pinned(first_);
}

/// What BackgroundCopy does, in its words.
class CopyWork {
 public:
  virtual ~CopyWork() = default;
  virtual void to_host(std::span<std::byte const> from, std::byte* to) = 0;
  virtual void from_host(std::byte const* from, std::span<std::byte> to) = 0;
  virtual void follow_kernels() = 0;
  virtual bool done() = 0;
  virtual void wait() = 0;
};

namespace {

/// Kernels are on the default stream: the copy waits for those before it, those after it for the
/// copy.
class DeviceCopy final : public CopyWork {
 public:
  void to_host(std::span<std::byte const> from, std::byte* to) override {
    follow_kernels();
    event_.hold_copies();
    driver::copy_to_host(to, from.data(), from.size());
    event_.record_copies();
  }
  void from_host(std::byte const* from, std::span<std::byte> to) override {
    follow_kernels();
    event_.hold_copies();
    driver::copy_from_host(to.data(), from, to.size());
    event_.record_copies();
    event_.hold_kernels();
  }
  void follow_kernels() override { event_.record_kernels(); }
  bool done() override { return event_.has_happened(); }
  void wait() override { event_.wait(); }

 private:
  driver::Event event_;
};

/// To the host: done when it has been asked for twice. From the host: before the next kernel.
class PutOffCopy final : public CopyWork {
 public:
  ~PutOffCopy() override { std::erase(due(), this); }
  void to_host(std::span<std::byte const> from, std::byte* to) override {
    begin(from.data(), to, from.size());
  }
  void from_host(std::byte const* from, std::span<std::byte> to) override {
    begin(from, to.data(), to.size());
    due().push_back(this);
  }
  void follow_kernels() override { begin(nullptr, nullptr, 0); }
  bool done() override {
    if (pending_ && ++asked_ > 1) wait();
    return !pending_;
  }
  void wait() override {
    if (!std::exchange(pending_, false)) return;
    std::erase(due(), this);
    OpenMemory const open;
    if (bytes_ > 0) std::memcpy(to_, from_, bytes_);
  }
  static std::vector<PutOffCopy*>& due() {
    static std::vector<PutOffCopy*> copies;
    return copies;
  }

 private:
  void begin(std::byte const* from, std::byte* to, std::size_t bytes) {
    QUARTIC_ASSERT(!pending_);
    pending_ = true;
    asked_ = 0;
    from_ = from;
    to_ = to;
    bytes_ = bytes;
  }

  bool pending_ = false;
  int asked_ = 0;
  std::byte const* from_ = nullptr;
  std::byte* to_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace

BackgroundCopy::BackgroundCopy() {
  if (host_stands_in())
    work_ = std::make_unique<PutOffCopy>();
  else
    work_ = std::make_unique<DeviceCopy>();
}

BackgroundCopy::~BackgroundCopy() {
  work_->wait();
}

void BackgroundCopy::to_host(std::span<std::byte const> from, std::byte* to) {
  count_copy(std::ssize(from));
  work_->to_host(from, to);
}

void BackgroundCopy::from_host(std::byte const* from, std::span<std::byte> to) {
  count_copy(std::ssize(to));
  work_->from_host(from, to);
}

void BackgroundCopy::follow_kernels() {
  work_->follow_kernels();
}

bool BackgroundCopy::done() {
  return work_->done();
}

void BackgroundCopy::wait() {
  work_->wait();
}

void finish_copies_from_host() {
  while (!PutOffCopy::due().empty()) PutOffCopy::due().back()->wait();
}

}  // namespace quartic::compute
