#pragma once

#include <string>

#include "quartic/core/delay_table.hpp"

namespace quartic::io {

/// The draws of Randomized PipeDream that an HDF5 file holds: integer datasets `/stage` (K),
/// `/microbatch` (K) and `/delays` (K×S). UsageError, naming the file, when it is not such a file;
/// whether the numbers make sense is the method's to say.
DelayTable read_delay_table(std::string const& path);

}  // namespace quartic::io
