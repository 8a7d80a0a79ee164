#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace quartic {

/// The user's mistake; the message says what would be valid. Ends the program with exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A broken promise or a failed library call. Ends the job with exit code 1.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// NaN or infinity in what a stage makes. Ends the job with exit code 3; the trace is kept, and the
/// last checkpoint, which has neither.
struct Divergence : std::runtime_error {
  Divergence(int at_stage, std::int64_t at_microbatch, std::string const& what);
  int stage;
  std::int64_t microbatch;
};

template <class... Arguments>
[[noreturn]] void usage_error(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
  throw UsageError(fmt::format(text, std::forward<Arguments>(arguments)...));
}

template <class... Arguments>
[[noreturn]] void failure(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
  throw Failure(fmt::format(text, std::forward<Arguments>(arguments)...));
}

/// `text` in quotes for an error message: one line, printable, not long.
std::string quoted(std::string_view text);

namespace detail {
[[noreturn]] void assertion_failed(char const* condition, char const* file, int line);
}

}  // namespace quartic

/// A promise between parts of quartic, checked in the presets audit, debug and asan.
#ifdef QUARTIC_ASSERTIONS
#define QUARTIC_ASSERT(condition)                                          \
  do {                                                                     \
    if (!(condition)) {                                                    \
      ::quartic::detail::assertion_failed(#condition, __FILE__, __LINE__); \
    }                                                                      \
  } while (false)
#else
#define QUARTIC_ASSERT(condition) static_cast<void>(sizeof(!(condition)))
#endif
