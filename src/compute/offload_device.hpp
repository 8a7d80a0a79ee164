#pragma once

#include "offload_cublas.hpp"
#include "offload_memory.hpp"

namespace quartic::compute {

/// Whether kernels run as device code: on a device, or as it in compute_as_device(). Else the
/// host's kernels run.
bool on_device();

/// Whether it is the latter.
bool host_stands_in();

/// The vendor's products, or null: then our own loops.
Cublas const* cublas();

/// For tests, where there is no device: the device's kernels run on the host, and Buffers are
/// memory that only kernels and copies may touch (offload_memory.hpp).
void compute_as_device(Guard guard = Guard::blocks);

}  // namespace quartic::compute
