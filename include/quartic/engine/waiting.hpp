#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "quartic/comm/communicator.hpp"
#include "quartic/comm/shared_clock.hpp"
#include "quartic/engine/watchdog.hpp"
#include "quartic/plan/action.hpp"

namespace quartic::engine {

/// How a rank waits: meanwhile it does other work, lets the others know whom it waits for, and
/// yields its core.
class Waiting {
 public:
  /// `meanwhile` makes progress with messages and other work; true where it has evaluated.
  /// `patience_ns`: how long to wait before the run fails; 0: any time.
  Waiting(comm::Communicator& communicator, comm::SharedClock const& clock,
          std::int64_t patience_ns, std::function<bool()> meanwhile);

  /// The last action that the plan has for a rank, as far as this rank has come.
  void plan(int rank, plan::Action const& action) {
    planned_[static_cast<std::size_t>(rank)] = action;
  }
  /// Waits until done(), for what no single rank sends.
  template <class Done>
  void until(Done done) {
    if (done()) return;
    std::int64_t const begin_ns = clock_.now_ns();
    while (!done()) idle({}, begin_ns);
    goes_on();
  }
  /// Waits a moment for `wait`, since `since_ns`; after the last goes_on().
  void idle(Wait const& wait, std::int64_t since_ns);
  /// The wait is over.
  void goes_on();

  /// Whether ranks share cores.
  bool shares_cores() const { return shares_cores_; }

 private:
  void yield();

  comm::SharedClock const& clock_;
  std::function<bool()> meanwhile_;
  std::vector<plan::Action> planned_;  // by rank
  Watchdog watchdog_;
  bool shares_cores_;
  int idle_polls_ = 0;  // in a row
};

}  // namespace quartic::engine
