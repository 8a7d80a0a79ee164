#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "quartic/comm/communicator.hpp"
#include "quartic/plan/action.hpp"

namespace quartic::engine {

/// What a rank waits for: an action of a stage that another rank hosts; or for any of the others,
/// where `action` is to wait.
struct Wait {
  plan::Action action;
  int rank = -1;  ///< that hosts it
};

/// Finds the rank that everyone waits for. A rank that has waited for longer than its patience
/// tells all others what for; one that computes, or is stopped, tells nothing. So after a while
/// those that have told nothing are those that hold up the run. While a rank evaluates it says so
/// to the waiting ranks, which then keep waiting.
class Watchdog {
 public:
  /// `patience_ns`: 0 for any length. `planned`: by rank, the last action that the plan has for it,
  /// as far as this rank has come.
  Watchdog(comm::Communicator& communicator, std::int64_t patience_ns,
           std::vector<plan::Action> const& planned);

  /// Called while this rank waits, with when it began to. Throws Failure, on the lowest rank that
  /// waits, once it is known who holds up the run.
  void waits(Wait const& wait, std::int64_t since_ns, std::int64_t now_ns);
  /// What it waited for has come.
  void goes_on();
  /// While it waits it has something else to do, and does it.
  void works(std::int64_t now_ns);

 private:
  void tell(bool waits, Wait const& wait);
  void listen(std::int64_t now_ns);
  std::string verdict(std::int64_t waited_ns) const;
  std::string owed_by(int rank) const;

  comm::Communicator& communicator_;
  std::int64_t patience_ns_;
  std::vector<plan::Action> const& planned_;
  std::int64_t worked_ns_ = 0;  // when any rank last did, that has said so
  comm::Transfer posted_;
  std::map<int, Wait> waiting_;  // by rank, of those that have told and not gone on since
  std::vector<comm::Transfer> sent_;
};

}  // namespace quartic::engine
