/* Preloaded into a program: every fsync, and every rename, with its target, is a line of the file that QUARTIC_SYNC_LOG names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void tell(char const *what, char const *path) {
  int const file = open(getenv("QUARTIC_SYNC_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) abort();
  dprintf(file, "%s %s\n", what, path);
  close(file);
}

int fsync(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t const length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  tell("sync", path);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(descriptor);
}

int rename(char const *from, char const *to) {
  tell("rename", to);
  return ((int (*)(char const *, char const *))dlsym(RTLD_NEXT, "rename"))(from, to);
}
