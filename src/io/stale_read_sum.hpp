#pragma once

#include "quartic/io/h5.hpp"

namespace quartic::io {

/// Makes /stale_read of a gathered trace, the sum over the stages in their order, of the samples
/// that every stage has: after a crash some have more than others. Nothing where the stages have
/// no such table.
void sum_stale_reads(h5::File const& trace);

}  // namespace quartic::io
