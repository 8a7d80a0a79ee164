#pragma once

#include <filesystem>
#include <string>

namespace quartic::io {

/// An empty file in the run folder of a finished run whose shards are not gathered yet.
inline constexpr char const* complete_mark = "ranks/complete";

/// Whether the folder holds a finished run, gathered or not; false where there is none. UsageError
/// where `FOLDER/trace.h5` cannot be read: a run that may be finished is not to be replaced.
bool is_complete(std::filesystem::path const& folder);

/// "HDF5 1.10.8".
std::string hdf5_description();

}  // namespace quartic::io
