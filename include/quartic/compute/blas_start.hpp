#pragma once

#include <string>

#include "quartic/compute/kernel_choice.hpp"

namespace quartic::compute {

/// The strongest vector instructions that this processor and its system offer.
InstructionSet instruction_set();

/// Gives this process BLAS kernels that are right and fast; the first thing in main, before MPI and
/// before any product. `words` are main's. Where another kernel than the library's choice is
/// needed, it sets OPENBLAS_CORETYPE and starts the program again (exec: the same process, the same
/// arguments), so it may not return. Without OpenBLAS, or where it has kernels of one processor
/// only, nothing is chosen and the products are checked all the same.
void start_blas(char** words);

/// Throws when start_blas has found no kernel to compute with: UsageError when the user has set one
/// that the processor cannot run, Failure when the library has none that computes rightly.
void require_blas();

/// How the kernel was chosen: "chosen by the library", "set by OPENBLAS_CORETYPE", "in place of
/// Prescott (slow)"; or why there is none.
std::string blas_choice();

/// A line for the user on a kernel that is slow, was replaced, or depends on addresses; empty:
/// none.
std::string blas_warning();

}  // namespace quartic::compute
