# What the tests' processes need in the environment. Open MPI and its helpers keep memory to the end
# by design: lsan.supp names those; short stacks (fast unwinding) would not reach the names. Tests
# put libraries of their own before the sanitizer's (LD_PRELOAD). Up to GCC 13 the sanitizer takes
# thread-local memory that lies at a certain place in its page for that of a glibc before 2.25, reads
# its address and length where there are none, and looking for leaks there ends with signal 11
# (https://github.com/google/sanitizers/issues/1322): it is kept from noting such memory.
set(QUARTIC_TEST_ENVIRONMENT OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1)
set(QUARTIC_TEST_PATIENCE 1)  # how many times longer than usual a test may take
if("${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_DEBUG}" MATCHES "fsanitize")
  set(QUARTIC_TEST_PATIENCE 6)
  list(APPEND QUARTIC_TEST_ENVIRONMENT QUARTIC_TEST_PATIENCE=${QUARTIC_TEST_PATIENCE}
    "ASAN_OPTIONS=fast_unwind_on_malloc=0:detect_leaks=1:verify_asan_link_order=0:intercept_tls_get_addr=0"
    "LSAN_OPTIONS=suppressions=${CMAKE_CURRENT_SOURCE_DIR}/support/lsan.supp:print_suppressions=0"
    "UBSAN_OPTIONS=print_stacktrace=1")
endif()
