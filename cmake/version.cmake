# quartic_version: <version.h> with the source's git description, made anew at every build.
set(version_dir ${CMAKE_BINARY_DIR}/version)
add_custom_target(quartic_git_version
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DOUT=${version_dir}/quartic_version.h
          -DVERSION=${PROJECT_VERSION} -DFLAGS=${CMAKE_CXX_FLAGS_${CMAKE_BUILD_TYPE}}
          -DBUILD_TYPE=${CMAKE_BUILD_TYPE}
          -P ${PROJECT_SOURCE_DIR}/cmake/write_version.cmake
  BYPRODUCTS ${version_dir}/quartic_version.h
  COMMENT "")
add_library(quartic_version INTERFACE)
target_include_directories(quartic_version INTERFACE ${version_dir})
add_dependencies(quartic_version quartic_git_version)
