#include "quartic/io/trace_state.hpp"

#include <fmt/core.h>

#include "quartic/core/check.hpp"
#include "quartic/io/h5.hpp"

namespace quartic::io {

bool is_complete(std::filesystem::path const& folder) {
  if (std::filesystem::exists(folder / complete_mark)) return true;
  std::filesystem::path const trace = folder / "trace.h5";
  if (!std::filesystem::exists(trace)) return false;
  try {
    auto const file = h5::File::open(trace, H5F_ACC_RDONLY);
    return file.integer(file.id(), "complete") == 1;
  } catch (Failure const& error) {
    usage_error(
        "{}; the run in {} may be finished; give another folder, or --overwrite to replace it",
        error.what(), folder.string());
  }
}

std::string hdf5_description() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("HDF5 {}.{}.{}", major, minor, release);
}

}  // namespace quartic::io
