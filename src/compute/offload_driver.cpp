#include "offload_driver.hpp"

#include <array>

#include "shared_library.hpp"

namespace quartic::compute::driver {
namespace {

using Context = struct CUctx_st*;

SharedLibrary const& library() {
  static SharedLibrary const opened{"libcuda.so.1"};
  return opened;
}

void require(int status, char const* call) {
  if (status != 0) failure("the GPU's driver: {} returned {}", call, status);
}

// The driver's own number of that device. Initialising twice is allowed.
int handle_of(int device) {
  require(library().function<int(unsigned)>("cuInit")(0), "cuInit");
  int handle = 0;
  require(library().function<int(int*, int)>("cuDeviceGet")(&handle, device), "cuDeviceGet");
  return handle;
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
  if (!library().is_open()) failure("the GPU's driver, libcuda.so.1, cannot be opened");
  Context context = nullptr;
  auto const retain = library().function<int(Context*, int)>("cuDevicePrimaryCtxRetain");
  require(retain(&context, handle_of(device)), "cuDevicePrimaryCtxRetain");
  require(library().function<int(Context)>("cuCtxSetCurrent")(context), "cuCtxSetCurrent");
}

}  // namespace quartic::compute::driver
