#pragma once

#include <filesystem>
#include <string>

namespace quartic::io {

/// Whether `FOLDER/trace.h5` is the trace of a finished run; false where there is none. UsageError
/// where it cannot be read: a run that may be finished is not to be replaced.
bool is_complete(std::filesystem::path const& folder);

/// "HDF5 1.10.8".
std::string hdf5_description();

}  // namespace quartic::io
