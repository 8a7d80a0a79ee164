find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
# zlib then declares as const what it only reads.
target_compile_definitions(ZLIB::ZLIB INTERFACE ZLIB_CONST)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(nlohmann_json REQUIRED)
set(MPI_CXX_SKIP_MPICXX ON)
find_package(MPI REQUIRED COMPONENTS CXX)

# System headers are wrapped as targets so that our warnings do not reach into them.
find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)
add_library(Random123 INTERFACE)
target_include_directories(Random123 SYSTEM INTERFACE ${RANDOM123_INCLUDE_DIR})

# The BLAS, with its C interface: OpenBLAS, or a vendor that CMake's FindBLAS knows, such as FLAME (BLIS),
# Intel10_64lp_seq (MKL) or Generic (the reference).
set(QUARTIC_BLAS OpenBLAS CACHE STRING "OpenBLAS, or a BLA_VENDOR of FindBLAS")
add_library(BLAS INTERFACE)
if(QUARTIC_BLAS STREQUAL "OpenBLAS")
  pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
  target_link_libraries(BLAS INTERFACE PkgConfig::OPENBLAS)
else()
  set(BLA_VENDOR ${QUARTIC_BLAS})
  find_package(BLAS REQUIRED)
  find_path(CBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES blis mkl REQUIRED)
  target_include_directories(BLAS SYSTEM INTERFACE ${CBLAS_INCLUDE_DIR})
  target_link_libraries(BLAS INTERFACE BLAS::BLAS)
endif()

set(HDF5_PREFER_PARALLEL OFF)
find_package(HDF5 1.10 REQUIRED COMPONENTS C)
add_library(HDF5 INTERFACE)
target_include_directories(HDF5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(HDF5 INTERFACE ${HDF5_C_LIBRARIES})
