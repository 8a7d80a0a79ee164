// Device and memory of a build that has no device code: the process computes on the host.
#include <cstring>
#include <new>

#include "quartic/compute/background_copy.hpp"
#include "quartic/compute/blas.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/compute/device.hpp"

namespace quartic::compute {
namespace {

constexpr std::align_val_t alignment{64};

}  // namespace

bool has_device_code() {
  return false;
}

int device_count() {
  return 0;
}

std::string device_name(int device) {
  failure("device {}: this build has no device code", device);
}

void compute_on(int device, DeviceOptions /*options*/) {
  failure("device {}: this build has no device code", device);
}

bool computes_on_host() {
  return true;
}

std::string computes_on() {
  return "host";
}

DeviceTraffic device_traffic() {
  return {};
}

std::string products_by() {
  return blas_description();
}

class CopyWork {};

PinnedMemory::PinnedMemory(std::size_t bytes) {
  failure("cannot allocate {} bytes for copies to a device: this build has no device code", bytes);
}

PinnedMemory::~PinnedMemory() = default;

BackgroundCopy::BackgroundCopy() {
  failure("cannot copy to or from a device: this build has no device code");
}

BackgroundCopy::~BackgroundCopy() = default;

void BackgroundCopy::to_host(std::span<std::byte const> /*from*/, std::byte* /*to*/) {}

void BackgroundCopy::from_host(std::byte const* /*from*/, std::span<std::byte> /*to*/) {}

void BackgroundCopy::follow_kernels() {}

bool BackgroundCopy::done() {  // NOLINT: static only here
  return true;
}

void BackgroundCopy::wait() {}

namespace detail {

void* allocate(std::int64_t bytes) {
  auto const size = static_cast<std::size_t>(bytes);
  return std::memset(::operator new(size, alignment), 0, size);
}

void release(void* memory, std::int64_t /*bytes*/) noexcept {
  ::operator delete(memory, alignment);
}

void copy_in(void* to, void const* from, std::int64_t bytes) {
  std::memcpy(to, from, static_cast<std::size_t>(bytes));
}

void copy_out(void* to, void const* from, std::int64_t bytes) {
  std::memcpy(to, from, static_cast<std::size_t>(bytes));
}

}  // namespace detail
}  // namespace quartic::compute
