# quartic_version: "quartic_version.h", what a run records of its own code: made anew at every build.
#
# A commit that changes no source still changes it, so only the one file that includes it is rebuilt.
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
set(march_flag "")
if(QUARTIC_MARCH)
  set(march_flag " -march=${QUARTIC_MARCH}")
endif()
string(STRIP "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}}${march_flag}" version_flags)
set(version_dir ${CMAKE_BINARY_DIR}/version)
add_custom_target(quartic_git_version
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DOUT=${version_dir}/quartic_version.h
          -DVERSION=${PROJECT_VERSION} -DFLAGS=${version_flags} -DBUILD_TYPE=${CMAKE_BUILD_TYPE}
          -P ${PROJECT_SOURCE_DIR}/cmake/write_version.cmake
  BYPRODUCTS ${version_dir}/quartic_version.h
  COMMENT "" VERBATIM)
add_library(quartic_version INTERFACE)
target_include_directories(quartic_version INTERFACE ${version_dir})
add_dependencies(quartic_version quartic_git_version)
