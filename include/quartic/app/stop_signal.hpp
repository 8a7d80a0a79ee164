#pragma once

/// How a process is told to stop: by SIGUSR1 or SIGTERM.
namespace quartic::app {

/// From here on, to the end of the process, the first of them is remembered instead of ending it;
/// one that comes a second later or more ends it at once, but for a SIGUSR1 that is the first.
void heed_stop_signals();
/// For what cannot stop in between: they end the process again, also one that was remembered.
void obey_stop_signals();
/// Whether one is remembered.
bool told_to_stop();

}  // namespace quartic::app
