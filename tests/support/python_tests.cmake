# quartic_pytest(NAME TIMEOUT PATH… [IGNORE FILE…]): folders of test_*.py, or some of them, as one ctest
# test. They find the executable in QUARTIC. The distribution's Python is the one that sees the
# distribution's packages.
set(QUARTIC_PYTHON /usr/bin/python3 CACHE FILEPATH "Python with numpy, h5py, pandas, matplotlib, pytest")
if(NOT EXISTS ${QUARTIC_PYTHON})
  find_program(python3 python3 REQUIRED)
  set(QUARTIC_PYTHON ${python3} CACHE FILEPATH "" FORCE)
endif()

function(quartic_pytest name timeout)
  cmake_parse_arguments(given "" "" "IGNORE" ${ARGN})
  list(TRANSFORM given_IGNORE PREPEND --ignore=)
  add_test(NAME ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
           COMMAND ${QUARTIC_PYTHON} -m pytest -q --tb=short -p no:cacheprovider --strict-markers ${given_UNPARSED_ARGUMENTS} ${given_IGNORE})
  quartic_test_settings(${name} ${timeout} COST ${timeout})  # the longest first, so that none is left alone at the end
  set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT
    PYTHONDONTWRITEBYTECODE=1 QUARTIC=${CMAKE_BINARY_DIR}/quartic)
endfunction()

quartic_pytest(rules    180 tests/rules)
quartic_pytest(analysis 180 analysis/tests)
if(TARGET quartic)
  # What takes longest of the program's tests apart, so that they share the cores.
  set(hosting test_hosting.py)
  set(resume  test_resume.py test_resume_killed.py test_failing_writes.py test_divergence.py)
  set(stops   test_stops.py test_killed.py test_watchdog.py)
  foreach(part IN ITEMS hosting resume stops)
    list(TRANSFORM ${part} PREPEND tests/program/)
    quartic_pytest(program.${part} 900 ${${part}})
  endforeach()
  quartic_pytest(program 900 tests/program IGNORE ${hosting} ${resume} ${stops})
  quartic_pytest(golden  480 tests/golden)
  quartic_pytest(sweep   900 tests/sweep)
  quartic_pytest(studies 600 tests/studies)
  quartic_pytest(slurm   600 tests/slurm)
endif()
