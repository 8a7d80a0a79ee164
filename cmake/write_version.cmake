# Writes OUT only when its text changes, so that an unchanged tree rebuilds nothing.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty=+uncommitted --abbrev=12 --exclude=*
                OUTPUT_VARIABLE git OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE rc)
if(NOT rc EQUAL 0)
  set(git unknown)
endif()
set(text "#pragma once\n#define QUARTIC_VERSION \"${VERSION}\"\n#define QUARTIC_GIT \"${git}\"\n#define QUARTIC_BUILD_TYPE \"${BUILD_TYPE}\"\n#define QUARTIC_FLAGS \"${FLAGS}\"\n")
file(CONFIGURE OUTPUT ${OUT} CONTENT "${text}" @ONLY)
