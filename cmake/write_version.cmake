# Writes OUT only when its text changes, so that an unchanged tree rebuilds nothing.
#
# Without git, or where the sources are no repository of their own (an unpacked archive inside another
# repository), the description is "unknown" rather than somebody else's.
execute_process(COMMAND git -C ${SOURCE} rev-parse --show-toplevel
                OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
set(git unknown)
file(REAL_PATH ${SOURCE} source)
if(NOT failed AND top STREQUAL source)
  execute_process(COMMAND git -C ${SOURCE} describe --always --dirty=+uncommitted --abbrev=12 --exclude=*
                  OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(git ${described})
  endif()
endif()
string(REPLACE "\\" "\\\\" FLAGS "${FLAGS}")
string(REPLACE "\"" "\\\"" FLAGS "${FLAGS}")
set(text "#pragma once
#define QUARTIC_VERSION \"${VERSION}\"
#define QUARTIC_GIT \"${git}\"
#define QUARTIC_BUILD_TYPE \"${BUILD_TYPE}\"
#define QUARTIC_FLAGS \"${FLAGS}\"
")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT text STREQUAL "${old}")
  file(WRITE ${OUT} "${text}")
endif()
