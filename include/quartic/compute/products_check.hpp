#pragma once

#include "quartic/compute/kernel_choice.hpp"

namespace quartic::compute {

/// Computes products of several shapes, transposes and alignments in float and double, at most 5 ms
/// in all, and compares them with plain ones and with themselves at other addresses. A kernel that
/// uses an instruction which the processor lacks is found too: the check catches SIGILL, so no
/// other thread may need that signal meanwhile.
Products check_products();

}  // namespace quartic::compute
