#pragma once

#include <cstdint>
#include <functional>
#include <string>

/// Measurements of single kernels on a device, and their rows in a table.
namespace quartic::bench {

/// Least, median and most of some repetitions, in seconds.
struct Seconds {
  double least = 0;
  double median = 0;
  double most = 0;
};

/// One repetition is `calls` calls of `work` and a copy back to the host, which waits for the
/// device. Two are run before, and not counted.
Seconds measure(std::function<void()> const& work, int calls = 20, int repetitions = 15);

/// A row with a rate in units of 1e9 a second, its quotient to `whole` (0: none), and the target
/// for that quotient (0: none). Returns the median rate.
double rate_row(std::string const& what, double amount, char const* unit, Seconds const& seconds,
                double whole = 0, double target = 0);

/// A row with a time.
void time_row(std::string const& what, Seconds const& seconds);

}  // namespace quartic::bench
