/* Preloaded into a program: a checkpoint that is whole, whose folder has only digits in its name, gets no other name, under which it would
   be removed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int is_whole_checkpoint(const char* folder) {
  const char* name = strstr(folder, "/checkpoint/");
  if (name == NULL) return 0;
  name += strlen("/checkpoint/");
  return name[strspn(name, "0123456789")] == '\0';
}

int rename(const char* from, const char* to) {
  if (is_whole_checkpoint(from)) {
    errno = EACCES;
    return -1;
  }
  int (*next)(const char*, const char*) = (int (*)(const char*, const char*))dlsym(RTLD_NEXT, "rename");
  return next(from, to);
}
