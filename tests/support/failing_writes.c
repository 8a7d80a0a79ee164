/* Preloaded into a program: the QUARTIC_FAIL_AT-th call that would change anything whose path contains QUARTIC_FAIL_IN fails as on a full
 * disk, and with QUARTIC_FAIL_ALL so do all after it. Counted are writes, syncs, renames, and new files and folders, in each process by
 * itself; QUARTIC_FAIL_COUNT names a file for their number. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static int is_meant(char const *path) {
  char const *const part = getenv("QUARTIC_FAIL_IN");
  return part != NULL && strstr(path, part) != NULL;
}

static int is_of_meant(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t const length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_meant(path);
}

static int fails(void) {
  char const *const text = getenv("QUARTIC_FAIL_AT");
  long const at = text == NULL ? 0 : atol(text);
  long const call = atomic_fetch_add(&calls, 1) + 1;
  if (at == 0 || call < at || (call > at && getenv("QUARTIC_FAIL_ALL") == NULL)) return 0;
  errno = ENOSPC;
  return 1;
}

__attribute__((destructor)) static void tell(void) {
  char const *const path = getenv("QUARTIC_FAIL_COUNT");
  if (path == NULL || atomic_load(&calls) == 0) return;  /* a program that only starts the one that is meant */
  FILE *const file = fopen(path, "w");
  if (file == NULL) return;
  fprintf(file, "%ld", atomic_load(&calls));
  fclose(file);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define ON_DESCRIPTOR(result, name, parameters, ...)                        \
  result name parameters {                                                  \
    return is_of_meant(fd) && fails() ? -1 : REAL(name)(__VA_ARGS__);  \
  }

ON_DESCRIPTOR(ssize_t, write, (int fd, void const *bytes, size_t count), fd, bytes, count)
ON_DESCRIPTOR(ssize_t, writev, (int fd, struct iovec const *parts, int count), fd, parts, count)
ON_DESCRIPTOR(ssize_t, pwrite, (int fd, void const *bytes, size_t count, off_t at), fd, bytes, count, at)
ON_DESCRIPTOR(ssize_t, pwrite64, (int fd, void const *bytes, size_t count, off64_t at), fd, bytes, count, at)
ON_DESCRIPTOR(int, ftruncate, (int fd, off_t length), fd, length)
ON_DESCRIPTOR(int, ftruncate64, (int fd, off64_t length), fd, length)
ON_DESCRIPTOR(int, fsync, (int fd), fd)

/* To NAME.old, in order to be removed: a full disk does not mind. */
static int is_removal(char const *to) {
  size_t const length = strlen(to);
  return length > 4 && strcmp(to + length - 4, ".old") == 0;
}

int rename(char const *from, char const *to) {
  return is_meant(to) && !is_removal(to) && fails() ? -1 : REAL(rename)(from, to);
}
int mkdir(char const *path, mode_t mode) { return is_meant(path) && fails() ? -1 : REAL(mkdir)(path, mode); }

static int opened(char const *name, char const *path, int flags, mode_t mode) {
  if ((flags & O_CREAT) && is_meant(path) && fails()) return -1;
  return ((int (*)(char const *, int, ...))dlsym(RTLD_NEXT, name))(path, flags, mode);
}

#define OPENS(name)                                          \
  int name(char const *path, int flags, ...) {               \
    va_list more;                                            \
    va_start(more, flags);                                   \
    mode_t const mode = flags & O_CREAT ? va_arg(more, mode_t) : 0; \
    va_end(more);                                            \
    return opened(#name, path, flags, mode);                 \
  }
OPENS(open)
OPENS(open64)
