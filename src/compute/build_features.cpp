// The instructions that this build was compiled to use: data alone, no code, so that a processor
// which lacks them can read it.
#include "build_features.hpp"

// A macro that is defined is 1; one that is not is its own name.
#define QUARTIC_TEXT(macro) #macro
#define QUARTIC_IS_ONE(macro) (QUARTIC_TEXT(macro)[0] == '1')
#define QUARTIC_FEATURE(name, macro) QUARTIC_IS_ONE(macro),

extern "C" bool const quartic_build_features[] = {
#include "x86_features.inc"
    false};
