// Which device this process computes on, in a build that has device code.
#include "offload_device.hpp"

#include <omp.h>

#include "offload_driver.hpp"
#include "quartic/compute/blas.hpp"
#include "quartic/compute/device.hpp"
#include "quartic/core/check.hpp"

namespace quartic::compute {
namespace {

struct Chosen {
  bool device = false;
  bool stands_in = false;
  std::string name = "host";
  std::unique_ptr<Cublas> cublas;
};

Chosen& chosen() {
  static Chosen choice;
  return choice;
}

}  // namespace

bool has_device_code() {
  return true;
}

int device_count() {
  return omp_get_num_devices();
}

std::string device_name(int device) {
  return driver::device_name(device);
}

void compute_on(int device, DeviceOptions options) {
  QUARTIC_ASSERT(!on_device() && 0 <= device && device < device_count());
  driver::enter_primary_context(device);
  omp_set_default_device(device);
  if (options.cublas) chosen().cublas = Cublas::open(options.tf32);
  chosen().name = device_name(device);
  chosen().device = true;
}

void compute_as_device(Guard guard) {
  QUARTIC_ASSERT(!on_device() && device_count() == 0);
  guard_memory(guard);
  chosen().name = "the host in place of a device";
  chosen().stands_in = true;
  chosen().device = true;
}

bool computes_on_host() {
  return !on_device();
}

std::string computes_on() {
  return chosen().name;
}

std::string products_by() {
  if (!on_device()) return blas_description();
  return cublas() != nullptr ? cublas()->description() : "quartic's own loops";
}

bool on_device() {
  return chosen().device;
}

bool host_stands_in() {
  return chosen().stands_in;
}

Cublas const* cublas() {
  return chosen().cublas.get();
}

}  // namespace quartic::compute
