// Ends a program on a processor that lacks instructions it was compiled to use: with a line that
// says so, before the first of them. Compiled for every x86-64 processor (CMakeLists.txt), and
// without inline functions of any header: the linker might take a copy that was compiled for this
// build's processor.
#if defined(__x86_64__)
#include <unistd.h>

#include <cstring>

#include "build_features.hpp"

namespace {

constexpr int exit_usage = 2;

/// A line that is put together without memory; what is too long is cut.
struct Line {
  char text[1024];
  unsigned long length;
};

void append(Line& line, char const* words) {
  unsigned long const count = std::strlen(words);
  if (line.length + count >= sizeof line.text) return;
  std::memcpy(line.text + line.length, words, count);
  line.length += count;
}

}  // namespace

/// Runs before every other constructor of the program, whose own code may be what cannot run. The
/// linker is told to take this function into every program (CMakeLists.txt).
extern "C" [[gnu::constructor(101)]] void quartic_processor_guard() {
  __builtin_cpu_init();
  Line lacking{};
  bool const* needed = quartic_build_features;
#define QUARTIC_FEATURE(name, macro)                  \
  if (*needed++ && !__builtin_cpu_supports(name)) {   \
    append(lacking, lacking.length == 0 ? "" : ", "); \
    append(lacking, name);                            \
  }
#include "x86_features.inc"
#undef QUARTIC_FEATURE
  if (lacking.length == 0) return;
  Line message{};
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  append(message, "quartic: this build needs instructions that the processor of ");
  append(message, host);
  append(message, " lacks: ");
  append(message, lacking.text);
  append(message,
         "; rebuild on that machine with `make`, or for every processor with AVX2 with "
         "`make MARCH=x86-64-v3`\n");
  // Where it cannot be told, the exit code is all there is.
  [[maybe_unused]] ssize_t const written = write(STDERR_FILENO, message.text, message.length);
  _exit(exit_usage);
}
#else
extern "C" void quartic_processor_guard() {}
#endif
