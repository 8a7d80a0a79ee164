/* Preloaded into a program: its file systems have no locks. */
#include <errno.h>
#include <sys/file.h>

int flock(int descriptor, int operation) {
  (void)descriptor, (void)operation;
  errno = ENOLCK;
  return -1;
}
