// FUZZ_TARGET=idx fuzz_readers CORPUS: libFuzzer on one reader.
#include <fmt/core.h>
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "fuzz/target.hpp"
#include "quartic/core/check.hpp"

namespace {

quartic::fuzz::Target const& chosen() {
  char const* const name = std::getenv("FUZZ_TARGET");
  try {
    return quartic::fuzz::find_target(name != nullptr ? name : "");
  } catch (quartic::UsageError const& error) {
    fmt::print(stderr, "FUZZ_TARGET: {}\n", error.what());
    std::exit(2);
  }
}

}  // namespace

/// A process that reads an HDF5 file for the reader may crash: that is what it is for, and no
/// finding of libFuzzer's.
extern "C" int LLVMFuzzerInitialize(int* /*count*/, char*** /*words*/) {
  quartic::fuzz::tell_leaks_apart();
  ::pthread_atfork(nullptr, nullptr, [] { __sanitizer_set_death_callback(nullptr); });
  return 0;
}

// Whatever else is thrown ends the process, which is how libFuzzer learns of it.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static quartic::fuzz::Target const& target = chosen();
  double const begin = quartic::fuzz::processor_seconds();
  try {
    target.read({reinterpret_cast<char const*>(data), size});
  } catch (quartic::UsageError const&) {
  }
  if (quartic::fuzz::processor_seconds() - begin > quartic::fuzz::most_processor_seconds)
    throw quartic::fuzz::Finding("takes more than 5 s");
  return 0;
}
