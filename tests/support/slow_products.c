/* Preloaded into a program: every product takes a tenth of a millisecond longer, so that a test can stop a run in its middle on a
 * machine of any speed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static void wait_a_little(void) {
  struct timespec const little = {0, 100000};
  nanosleep(&little, NULL);
}

#define SLOW_GEMM(name, number)                                                                                                  \
  void name(int order, int a_flag, int b_flag, int m, int n, int k, number alpha, number const *a, int lda, number const *b,     \
            int ldb, number beta, number *c, int ldc) {                                                                          \
    static void (*real)(int, int, int, int, int, int, number, number const *, int, number const *, int, number, number *, int); \
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
    real(order, a_flag, b_flag, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);                                                   \
    wait_a_little();                                                                                                             \
  }
#define SLOW_GEMV(name, number)                                                                                             \
  void name(int order, int a_flag, int m, int n, number alpha, number const *a, int lda, number const *x, int incx,         \
            number beta, number *y, int incy) {                                                                             \
    static void (*real)(int, int, int, int, number, number const *, int, number const *, int, number, number *, int);       \
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, #name);                                                            \
    real(order, a_flag, m, n, alpha, a, lda, x, incx, beta, y, incy);                                                       \
    wait_a_little();                                                                                                        \
  }

SLOW_GEMM(cblas_sgemm, float)
SLOW_GEMM(cblas_dgemm, double)
SLOW_GEMV(cblas_sgemv, float)
SLOW_GEMV(cblas_dgemv, double)
