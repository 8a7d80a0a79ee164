/* Preloaded into a program: OpenBLAS with faults. In each variable a kernel's name, or "*" for all:
 * QUARTIC_FAKE_WRONG        dgemm is wrong in one element
 * QUARTIC_FAKE_MOVES        dgemv depends on where its matrix lies
 * QUARTIC_FAKE_CORE         what the library says that it computes with, unless OPENBLAS_CORETYPE is set
 * QUARTIC_FAKE_STARTS       a file; a line for every start of quartic: the kernel asked for */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *core(void) {
  static char *(*real)(void);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "openblas_get_corename");
  return real();
}

char *openblas_get_corename(void) {
  char *const fake = getenv("QUARTIC_FAKE_CORE");
  return fake != NULL && getenv("OPENBLAS_CORETYPE") == NULL ? fake : core();
}

static int is_meant(char const *variable) {
  char const *const names = getenv(variable);
  return names != NULL && (strcmp(names, "*") == 0 || strstr(names, openblas_get_corename()) != NULL);
}

void cblas_dgemm(int order, int a_flag, int b_flag, int m, int n, int k, double alpha, double const *a, int lda,
                 double const *b, int ldb, double beta, double *c, int ldc) {
  static void (*real)(int, int, int, int, int, int, double, double const *, int, double const *, int, double, double *, int);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "cblas_dgemm");
  real(order, a_flag, b_flag, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  if (m > 0 && n > 0 && is_meant("QUARTIC_FAKE_WRONG")) c[0] += 1;
}

void cblas_dgemv(int order, int a_flag, int m, int n, double alpha, double const *a, int lda, double const *x, int incx,
                 double beta, double *y, int incy) {
  static void (*real)(int, int, int, int, double, double const *, int, double const *, int, double, double *, int);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "cblas_dgemv");
  real(order, a_flag, m, n, alpha, a, lda, x, incx, beta, y, incy);
  if (m > 0 && n > 0 && (uintptr_t)a % 16 != 0 && is_meant("QUARTIC_FAKE_MOVES")) y[0] *= 1 + 0x1p-52;
}

__attribute__((constructor)) static void started(void) {
  char const *const path = getenv("QUARTIC_FAKE_STARTS");
  int const is_quartic = strcmp(program_invocation_short_name, "quartic") == 0;
  FILE *const file = path == NULL || !is_quartic ? NULL : fopen(path, "a");
  if (file == NULL) return;
  char const *const asked = getenv("OPENBLAS_CORETYPE");
  fprintf(file, "%s\n", asked == NULL ? "-" : asked);
  fclose(file);
}
