#include "offload_driver.hpp"

#include <array>

#include "shared_library.hpp"

namespace quartic::compute::driver {
namespace {

using Context = struct CUctx_st*;
using Stream = struct CUstream_st*;
using Address = unsigned long long;  // of a device's memory

SharedLibrary const& library() {
  static SharedLibrary const opened{"libcuda.so.1"};
  return opened;
}

void require(int status, char const* call) {
  if (status != 0) failure("the GPU driver: {} returned {}", call, status);
}

// The driver's own number of that device. Initialising twice is allowed.
int handle_of(int device) {
  require(library().function<int(unsigned)>("cuInit")(0), "cuInit");
  int handle = 0;
  require(library().function<int(int*, int)>("cuDeviceGet")(&handle, device), "cuDeviceGet");
  return handle;
}

constexpr Stream kernels = nullptr;  // the default stream, which cuBLAS and OpenMP's kernels use

// One of its own, which the default stream does not wait for.
Stream copies() {
  static Stream const stream = [] {
    constexpr unsigned non_blocking = 1;
    Stream made = nullptr;
    auto const create = library().function<int(Stream*, unsigned)>("cuStreamCreate");
    require(create(&made, non_blocking), "cuStreamCreate");
    return made;
  }();
  return stream;
}

void record(CUevent_st* event, Stream stream) {
  static auto* const call = library().function<int(CUevent_st*, Stream)>("cuEventRecord");
  require(call(event, stream), "cuEventRecord");
}

void hold(Stream stream, CUevent_st* event) {
  static auto* const call =
      library().function<int(Stream, CUevent_st*, unsigned)>("cuStreamWaitEvent");
  require(call(stream, event, 0), "cuStreamWaitEvent");
}

}  // namespace

std::string device_name(int device) {
  if (!library().is_open()) return {};
  std::array<char, 256> name{};
  auto const get = library().function<int(char*, int, int)>("cuDeviceGetName");
  require(get(name.data(), static_cast<int>(name.size() - 1), handle_of(device)),
          "cuDeviceGetName");
  return name.data();
}

void enter_primary_context(int device) {
  if (!library().is_open()) failure("the GPU driver's library, libcuda.so.1, cannot be opened");
  Context context = nullptr;
  auto const retain = library().function<int(Context*, int)>("cuDevicePrimaryCtxRetain");
  require(retain(&context, handle_of(device)), "cuDevicePrimaryCtxRetain");
  require(library().function<int(Context)>("cuCtxSetCurrent")(context), "cuCtxSetCurrent");
}

void* allocate_pinned(std::size_t bytes) {
  constexpr unsigned of_all_contexts = 1;
  void* memory = nullptr;
  auto const allocate = library().function<int(void**, std::size_t, unsigned)>("cuMemHostAlloc");
  require(allocate(&memory, bytes, of_all_contexts), "cuMemHostAlloc");
  return memory;
}

void release_pinned(void* memory) noexcept {
  library().function<int(void*)>("cuMemFreeHost")(memory);
}

Event::Event() {
  constexpr unsigned without_timing = 2;
  auto const create = library().function<int(CUevent_st**, unsigned)>("cuEventCreate");
  require(create(&event_, without_timing), "cuEventCreate");
}

Event::~Event() {
  library().function<int(CUevent_st*)>("cuEventDestroy_v2")(event_);
}

void Event::record_kernels() {
  record(event_, kernels);
}

void Event::record_copies() {
  record(event_, copies());
}

void Event::hold_kernels() {
  hold(kernels, event_);
}

void Event::hold_copies() {
  hold(copies(), event_);
}

bool Event::has_happened() {
  constexpr int not_ready = 600;
  static auto* const query = library().function<int(CUevent_st*)>("cuEventQuery");
  int const status = query(event_);
  if (status != not_ready) require(status, "cuEventQuery");
  return status != not_ready;
}

void Event::wait() {
  static auto* const call = library().function<int(CUevent_st*)>("cuEventSynchronize");
  require(call(event_), "cuEventSynchronize");
}

void copy_to_host(void* to, void const* from, std::size_t bytes) {
  static auto* const call =
      library().function<int(void*, Address, std::size_t, Stream)>("cuMemcpyDtoHAsync_v2");
  require(call(to, reinterpret_cast<Address>(from), bytes, copies()), "cuMemcpyDtoHAsync_v2");
}

void copy_from_host(void* to, void const* from, std::size_t bytes) {
  static auto* const call =
      library().function<int(Address, void const*, std::size_t, Stream)>("cuMemcpyHtoDAsync_v2");
  require(call(reinterpret_cast<Address>(to), from, bytes, copies()), "cuMemcpyHtoDAsync_v2");
}

}  // namespace quartic::compute::driver
