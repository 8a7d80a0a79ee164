#pragma once

#include <string>

/// The GPU's driver, libcuda: what OpenMP does not say or do.
namespace quartic::compute::driver {

/// The name of a device; empty where there is no driver.
std::string device_name(int device);

/// Makes the device's primary context that of this thread. It has to come before the first target
/// region: OpenMP's runtime takes the context that it finds, and cuBLAS then has the same one.
/// Failure when the driver refuses.
void enter_primary_context(int device);

}  // namespace quartic::compute::driver
