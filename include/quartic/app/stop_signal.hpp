#pragma once

/// Signals that stop a run with a checkpoint: SIGUSR1, SIGTERM, SIGHUP, and SIGINT where no
/// launcher has the terminal. One that was ignored when the process started (nohup) stays ignored.
namespace quartic::app {

/// From now on the process remembers SIGUSR1, by which batch systems tell of a time limit to come;
/// the run looks for it (told_to_stop). A second signal ends the process at once.
void heed_warnings();

/// From now on the process remembers the other signals too. The run calls this when its training
/// starts; before, these signals end the process at once.
/// `has_launcher`: Ctrl-C is the launcher's.
void heed_stop_signals(bool has_launcher);

/// All of them end the process at once again, for a run that has no checkpoints.
void obey_stop_signals();

bool told_to_stop();

}  // namespace quartic::app
