// Where the tests of kernels compute in this program: on the first device there is, else on the
// host in place of one. With QUARTIC_OWN_PRODUCTS in the environment, without cuBLAS; with
// QUARTIC_ON_HOST on the host as such; QUARTIC_GUARD says how memory is guarded there: blocks,
// region (for whole programs) or none (offload_memory.hpp).
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "offload_device.hpp"
#include "quartic/compute/device.hpp"

namespace quartic::compute {
namespace {

Guard asked_for() {
  char const* const guard = std::getenv("QUARTIC_GUARD");
  std::string_view const word = guard == nullptr ? "blocks" : guard;
  return word == "none" ? Guard::none : word == "region" ? Guard::region : Guard::blocks;
}

bool choose() {
  if (std::getenv("QUARTIC_ON_HOST") != nullptr) return false;
  if (device_count() > 0)
    compute_on(0, {.cublas = std::getenv("QUARTIC_OWN_PRODUCTS") == nullptr});
  else
    compute_as_device(asked_for());
  std::printf("computes on %s, products by %s\n", computes_on().c_str(), products_by().c_str());
  return true;
}

bool const chosen = choose();

}  // namespace
}  // namespace quartic::compute
