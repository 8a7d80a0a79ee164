#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "quartic/compute/device.hpp"
#include "quartic/core/check.hpp"

/// Memory where this process computes (device.hpp), and the copies between it and the host.
namespace quartic::compute {

namespace detail {
/// Zeros, aligned for any vector register. Failure when there is not as much.
void* allocate(std::int64_t bytes);
void release(void* memory, std::int64_t bytes) noexcept;
void copy_in(void* to, void const* from, std::int64_t bytes);
void copy_out(void* to, void const* from, std::int64_t bytes);
}  // namespace detail

/// Owns `size()` elements, zeros at first. Its elements are for kernels: the host may look at them
/// through to_host and to_device alone, wherever they are.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::int64_t size)
      : size_(size),
        elements_(size == 0 ? nullptr : static_cast<T*>(detail::allocate(size_bytes()))) {}
  Buffer(Buffer&& other) noexcept
      : size_(std::exchange(other.size_, 0)), elements_(std::exchange(other.elements_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(elements_, other.elements_);
    return *this;
  }
  Buffer(Buffer const&) = delete;
  Buffer& operator=(Buffer const&) = delete;
  ~Buffer() {
    if (elements_ != nullptr) detail::release(elements_, size_bytes());
  }

  std::int64_t size() const { return size_; }
  std::span<T> view() { return {elements_, static_cast<std::size_t>(size_)}; }
  std::span<T const> view() const { return {elements_, static_cast<std::size_t>(size_)}; }

 private:
  std::int64_t size_bytes() const { return size_ * static_cast<std::int64_t>(sizeof(T)); }

  std::int64_t size_ = 0;
  T* elements_ = nullptr;
};

/// to (where this process computes) = from (the host's); of one length.
template <class T>
void to_device(std::span<T const> from, std::span<T> to) {
  QUARTIC_ASSERT(from.size() == to.size());
  if (!to.empty()) {
    detail::copy_in(to.data(), from.data(), static_cast<std::int64_t>(to.size_bytes()));
  }
}

/// to (the host's) = from (where this process computes), when every kernel before has ended.
template <class T>
void to_host(std::span<T const> from, std::span<T> to) {
  QUARTIC_ASSERT(from.size() == to.size());
  if (!to.empty()) {
    detail::copy_out(to.data(), from.data(), static_cast<std::int64_t>(to.size_bytes()));
  }
}

/// A Buffer that holds what the host has.
template <class T>
Buffer<T> buffer_of(std::span<T const> host) {
  Buffer<T> buffer(std::ssize(host));
  to_device(host, buffer.view());
  return buffer;
}

/// Calls write(elements) for the host to write all elements of `there`: in their place, or in
/// `staging`, from which they are copied.
template <class T, class Write>
void write_by_host(std::span<T> there, std::vector<T>& staging, Write write) {
  if (computes_on_host()) return write(there);
  staging.resize(there.size());
  write(std::span<T>(staging));
  to_device<T>(staging, there);
}

/// The elements where the host can read them: in their place, or copied to `staging`.
template <class T>
std::span<T const> read_by_host(std::span<T const> there, std::vector<T>& staging) {
  if (computes_on_host()) return there;
  staging.resize(there.size());
  to_host<T>(there, staging);
  return staging;
}

/// The first `size` elements of scratch, which is made anew where it has fewer: what was in it is
/// lost.
template <class T>
std::span<T> at_least(Buffer<T>& scratch, std::int64_t size) {
  if (scratch.size() < size) scratch = Buffer<T>(size);
  return scratch.view().first(static_cast<std::size_t>(size));
}

/// The host's elements where the process computes: they themselves, or a copy of them in scratch.
template <class T>
std::span<T const> lend(std::span<T const> host, Buffer<T>& scratch) {
  if (computes_on_host()) return host;
  auto const there = at_least(scratch, std::ssize(host));
  to_device(host, there);
  return there;
}

}  // namespace quartic::compute
