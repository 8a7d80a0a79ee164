#pragma once

namespace quartic::comm {

/// The tags of messages, all of a run's in one place: no two kinds may share one. Channels between
/// seats take theirs from `channels` on.
enum Tag : int {
  alarm = 1,
  clock,
  calibration,
  consensus,
  meeting,
  watchdog,
  bulletin,
  channels = 16
};

}  // namespace quartic::comm
