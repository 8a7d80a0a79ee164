#pragma once

#include <cstdint>
#include <string>

/// Where this process computes: on the host, or on one GPU. It is chosen once, before the first
/// Buffer, and no caller of a kernel knows which it is.
///
/// **The rule of operands**: every span and matrix that a kernel is given lies where the process
/// computes, in a Buffer: labels, token ids, offsets of sparse rows and scratch too. Scalars go in
/// by value, and sums come back as numbers of the host.
namespace quartic::compute {

/// Whether this binary has kernels for a GPU.
bool has_device_code();

/// GPUs that this process sees and has kernels for; 0 where there is no driver.
int device_count();

/// The device of a rank that is the `local_rank`-th of its node: round-robin, so that some share a
/// device where ranks are more. There is at least one device.
constexpr int device_of(int local_rank, int devices) {
  return local_rank % devices;
}

/// As the driver calls it, such as "NVIDIA H200".
std::string device_name(int device);

struct DeviceOptions {
  /// Products of float round their factors to 10 bits of mantissa (TF32), where cuBLAS and the
  /// device can; sums stay float.
  bool tf32 = false;
  /// Dense products by cuBLAS where it is there; false: by our own loops all the same.
  bool cublas = true;
};

/// From now on this process computes on that device, one of device_count(). Once, before the first
/// Buffer and the first kernel. Failure when the driver refuses.
void compute_on(int device, DeviceOptions options = {});

/// Whether it computes on the host, whose memory Buffers are then.
bool computes_on_host();

/// "host", or the name of the device that this process computes on.
std::string computes_on();

/// What has gone between host and device so far; on the host nothing. In the steady state only
/// messages to other ranks do, what a pass is lent of data, and sums.
struct DeviceTraffic {
  std::int64_t allocations = 0;  ///< of Buffers
  std::int64_t copies = 0;       ///< in and out, sums included
  std::int64_t bytes = 0;        ///< copied
};
DeviceTraffic device_traffic();

/// What computes the dense products there: OpenBLAS, cuBLAS with its version, or our own loops.
std::string products_by();

}  // namespace quartic::compute
