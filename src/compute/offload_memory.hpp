#pragma once

#include <cstdint>

/// The memory behind Buffers in a build that has device code. On the host it is plain memory, on a
/// device the device's. Where the host stands in for a device, it is *guarded*: pages that can be
/// touched only while a kernel or a copy runs, so that what would be wrong on a device faults here.
namespace quartic::compute {

/// One page after each block that can never be touched, for the tests of kernels; or all blocks
/// together, which whole programs need to be fast enough.
/// With none, memory is the host's as any other: for MPI that touches a device's memory itself.
enum class Guard { blocks, region, none };

/// From now on Buffers are guarded.
void guard_memory(Guard guard);

/// Whether `bytes` from there on lie in one Buffer; where memory is not guarded nothing is known,
/// and the answer is true.
bool is_device_memory(void const* first, std::int64_t bytes);

/// Guarded memory can be touched while there is one of these; they may be nested.
class OpenMemory {
 public:
  OpenMemory();
  ~OpenMemory();
  OpenMemory(OpenMemory const&) = delete;
  OpenMemory& operator=(OpenMemory const&) = delete;
};

/// One more copy between host and device (DeviceTraffic).
void count_copy(std::int64_t bytes);

/// Copies between two places of the device's memory.
void copy_within(void* to, void const* from, std::int64_t bytes);

}  // namespace quartic::compute
