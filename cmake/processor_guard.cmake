# Every program that holds this room begins with its processor guard (src/compute/processor_guard.cpp), which runs on
# any processor of its family: what it says must not need the instructions that are missing.
function(quartic_processor_guard room)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set_source_files_properties(${PROJECT_SOURCE_DIR}/src/compute/processor_guard.cpp PROPERTIES COMPILE_OPTIONS -march=x86-64)
  endif()
  # Nothing calls it, so the linker would leave it in the library.
  target_link_options(${room} INTERFACE -Wl,--undefined=quartic_processor_guard)
endfunction()
