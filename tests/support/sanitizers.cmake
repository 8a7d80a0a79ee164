# What the tests' processes need in the environment. Open MPI and its helpers keep memory to the end
# by design: lsan.supp names those; short stacks (fast unwinding) would not reach the names. Tests
# put libraries of their own before the sanitizer's (LD_PRELOAD).
set(QUARTIC_TEST_ENVIRONMENT OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1)
set(QUARTIC_TEST_PATIENCE 1)  # how many times longer than usual a test may take
if("${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_DEBUG}" MATCHES "fsanitize")
  set(QUARTIC_TEST_PATIENCE 4)
  list(APPEND QUARTIC_TEST_ENVIRONMENT
    "ASAN_OPTIONS=fast_unwind_on_malloc=0:detect_leaks=1:verify_asan_link_order=0"
    "LSAN_OPTIONS=suppressions=${CMAKE_CURRENT_SOURCE_DIR}/support/lsan.supp:print_suppressions=0"
    "UBSAN_OPTIONS=print_stacktrace=1")
endif()
