#pragma once

/// Says for each line of x86_features.inc whether the build may use that instruction set. Without
/// C++ linkage, so that the processor guard needs no code of ours.
extern "C" bool const quartic_build_features[];
