#pragma once

namespace quartic::app {

/// While it lives, the first SIGUSR1 or SIGTERM is remembered instead of ending the process; one
/// that comes a second later or more ends it at once. One at a time in a process.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(StopSignal const&) = delete;
  StopSignal& operator=(StopSignal const&) = delete;

  static bool received();
};

}  // namespace quartic::app
