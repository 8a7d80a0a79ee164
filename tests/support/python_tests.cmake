# quartic_pytest(NAME PATH TIMEOUT [IGNORE FILE]): a folder's test_*.py, or one of them, as one ctest
# test. They find the executable in QUARTIC. The distribution's Python is the one that sees the
# distribution's packages.
set(QUARTIC_PYTHON /usr/bin/python3 CACHE FILEPATH "Python with numpy, h5py, pandas, matplotlib, pytest")
if(NOT EXISTS ${QUARTIC_PYTHON})
  find_program(python3 python3 REQUIRED)
  set(QUARTIC_PYTHON ${python3} CACHE FILEPATH "" FORCE)
endif()

function(quartic_pytest name path timeout)
  cmake_parse_arguments(given "" "IGNORE" "" ${ARGN})
  set(ignored)
  if(given_IGNORE)
    set(ignored --ignore=${given_IGNORE})
  endif()
  add_test(NAME ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
           COMMAND ${QUARTIC_PYTHON} -m pytest -q --tb=short -p no:cacheprovider --strict-markers ${path} ${ignored})
  quartic_test_settings(${name} ${timeout} ${given_UNPARSED_ARGUMENTS})
  set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT
    PYTHONDONTWRITEBYTECODE=1 QUARTIC=${CMAKE_BINARY_DIR}/quartic)
endfunction()

quartic_pytest(rules    ${PROJECT_SOURCE_DIR}/tests/rules   180)
quartic_pytest(analysis ${PROJECT_SOURCE_DIR}/analysis/tests 180)
if(TARGET quartic)
  # The longest apart, so that they share the cores.
  set(hosting ${PROJECT_SOURCE_DIR}/tests/program/test_hosting.py)
  quartic_pytest(program.hosting ${hosting} 900)
  quartic_pytest(program ${PROJECT_SOURCE_DIR}/tests/program 1400 IGNORE ${hosting})
  quartic_pytest(golden  ${PROJECT_SOURCE_DIR}/tests/golden  480)
  quartic_pytest(sweep   ${PROJECT_SOURCE_DIR}/tests/sweep   900)
  quartic_pytest(studies ${PROJECT_SOURCE_DIR}/tests/studies 600)
  quartic_pytest(slurm   ${PROJECT_SOURCE_DIR}/tests/slurm   600)
endif()
