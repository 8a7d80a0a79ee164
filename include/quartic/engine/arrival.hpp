#pragma once

#include <cstdint>
#include <vector>

#include "quartic/engine/rank.hpp"
#include "quartic/plan/decision.hpp"

namespace quartic::engine {

/// The other order of a run: workers ask the schedule themselves, with what has arrived. Of one
/// pipeline.
template <class T>
class Arrival {
 public:
  /// All must outlive this.
  Arrival(Rank<T>& rank, plan::Rules const& rules, RunSettings const& settings);

  /// Collective. Trains everything.
  void run();

 private:
  struct Worker {
    int number = 0;
    std::vector<int> local_stages = {};
    std::vector<plan::StageView> views = {};  // of these
    std::vector<plan::Tags> last_tags = {};   // of their forwards
    std::int64_t actions_done = 0;
    std::int64_t idle_before_ns = 0;  // of this rank, until this worker's last action
    bool done = false;
  };

  bool act(Worker& worker, std::int64_t idle_ns);
  void act(Worker& worker, plan::Action const& action, std::int64_t waited_ns);
  plan::Decision decide(Worker& worker, plan::Action const& action);
  void pin_when_due(int local_stage);
  int local_stage(plan::Action const& action) const {
    return rank_.hosting().local_stage({0, action.stage});
  }

  Rank<T>& rank_;
  plan::Rules const& rules_;
  SnapshotSettings snapshots_;
  plan::Decider decider_;
  std::vector<Worker> workers_;  // of this rank
};

}  // namespace quartic::engine
