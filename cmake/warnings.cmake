# quartic_warnings: what the house's own code is compiled with; libraries come in as system headers.
#
# Options structs are aggregates with defaults, and whoever makes one names what differs from them: so
# no warning about the fields that are left out.
add_library(quartic_warnings INTERFACE)
target_compile_options(quartic_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion
  -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wcast-align -Wimplicit-fallthrough
  -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wuseless-cast>
  $<$<BOOL:${QUARTIC_WERROR}>:-Werror>)
