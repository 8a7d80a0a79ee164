// FUZZ_TARGET=idx fuzz_readers CORPUS: libFuzzer on one reader.
#include <fmt/core.h>

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

// Whatever else is thrown ends the process, which is how libFuzzer learns of it.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static quartic::fuzz::Target const& target = chosen();
  try {
    target.read({reinterpret_cast<char const*>(data), size});
  } catch (quartic::UsageError const&) {
  }
  return 0;
}
