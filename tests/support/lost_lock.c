/* Preloaded into a program: whoever held the lock of a run folder removes it between the program's open and its flock, once. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int flock(int descriptor, int operation) {
  static int removed;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t const length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  char const *const name = strrchr(path, '/');
  if (!removed && name != NULL && strcmp(name, "/lock") == 0) removed = unlink(path) == 0;
  return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(descriptor, operation);
}
