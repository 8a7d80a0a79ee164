#pragma once

namespace quartic::compute {

/// Where the host stands in for a device: does the copies from the host that a kernel or a copy
/// that starts now has to find done.
void finish_copies_from_host();

}  // namespace quartic::compute
