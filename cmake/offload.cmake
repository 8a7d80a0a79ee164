# QUARTIC_OFFLOAD: kernels for a GPU too, through OpenMP target (g++ with the nvptx offload compiler).
#
# Only the compute room's offload_*.cpp are compiled for the device, and every program that holds them is
# linked with the same flags: there the device's code is put together.
option(QUARTIC_OFFLOAD "Kernels for NVIDIA GPUs beside the host's (preset gpu)" OFF)

if(QUARTIC_OFFLOAD)
  # sm_80 and newer; the driver compiles for what it has. The device's own libm stands in -foffload-options.
  set(QUARTIC_OFFLOAD_FLAGS -fopenmp -foffload=nvptx-none -foffload-options=nvptx-none=-O3
      -foffload-options=nvptx-none=-lm -foffload-options=nvptx-none=-misa=sm_80)
  include(CheckCXXSourceCompiles)
  list(JOIN QUARTIC_OFFLOAD_FLAGS " " CMAKE_REQUIRED_FLAGS)
  set(CMAKE_REQUIRED_LINK_OPTIONS -no-pie)
  check_cxx_source_compiles("int main() {\nint sum = 0;\n#pragma omp target map(sum)\nsum = 1;\nreturn sum - 1;\n}\n" QUARTIC_CAN_OFFLOAD)
  unset(CMAKE_REQUIRED_FLAGS)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  if(NOT QUARTIC_CAN_OFFLOAD)
    message(FATAL_ERROR "QUARTIC_OFFLOAD: this compiler cannot generate code for NVIDIA GPUs; on Debian, `cmake/packages.sh gpu` installs one that can, g++ 12 with nvptx")
  endif()
  set(QUARTIC_NO_BACKEND no_device.cpp)
else()
  file(GLOB QUARTIC_NO_BACKEND RELATIVE ${PROJECT_SOURCE_DIR}/src/compute ${PROJECT_SOURCE_DIR}/src/compute/offload_*.cpp)
endif()

# The namespace of host_*.cpp: where there are two backends, the offload files define the functions of the
# headers, and call the host's on the host; else the host's are those functions.
function(quartic_offload room)
  if(NOT QUARTIC_OFFLOAD)
    target_compile_definitions(${room} PRIVATE QUARTIC_HOST_KERNELS=quartic::compute)
    return()
  endif()
  target_compile_definitions(${room} PRIVATE QUARTIC_HOST_KERNELS=quartic::compute::host)
  file(GLOB sources ${PROJECT_SOURCE_DIR}/src/compute/offload_*.cpp)
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "${QUARTIC_OFFLOAD_FLAGS}")
  target_link_options(${room} INTERFACE ${QUARTIC_OFFLOAD_FLAGS} -no-pie)
endfunction()
