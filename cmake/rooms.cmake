# quartic_room(NAME [ROOMS …] [LIBRARIES …] [EXCLUDE …]): the library of src/NAME.
#
# A room links what it may include and no more, so a forbidden include of a library fails to link.
# A room of headers alone is an INTERFACE library; it becomes a static one with its first source.
function(quartic_room name)
  cmake_parse_arguments(room "" "" "ROOMS;LIBRARIES;EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  foreach(file IN LISTS room_EXCLUDE)
    list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/src/${name}/${file})
  endforeach()
  list(TRANSFORM room_ROOMS PREPEND quartic_)

  if(sources)
    add_library(quartic_${name} STATIC ${sources})
    target_link_libraries(quartic_${name} PRIVATE quartic_warnings)
    set(scope PUBLIC)
  else()
    add_library(quartic_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(quartic_${name} ${scope} ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(quartic_${name} ${scope} ${room_ROOMS} ${room_LIBRARIES})
  if(QUARTIC_ASSERTIONS)
    target_compile_definitions(quartic_${name} ${scope} QUARTIC_ASSERTIONS)
  endif()
endfunction()
