#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quartic/core/indexed_ring.hpp"
#include "quartic/plan/action.hpp"
#include "quartic/plan/cost.hpp"
#include "quartic/plan/decision.hpp"
#include "quartic/plan/earliest_first.hpp"
#include "quartic/plan/rules.hpp"
#include "quartic/plan/versions.hpp"

namespace quartic::plan {

/// The plan: all workers of a method run against a cost model as discrete events, lazily, in one
/// process, without weights. Actions come in one global order, by start time, then stage: a forward
/// reads at its start, and a backward's update counts at its place in this order, for every cost
/// model. Memory is O(S²) counters, independent of the length of the run.
///
///   Planner planner(rules, cost);
///   while (Decision const* next = planner.next()) { … planner.applied() … }
///
/// Throws Failure with a report of who waits for what when no worker can continue (a deadlock), or
/// when a schedule breaks its word (passes out of order, more in flight than it declared).
class Planner {
 public:
  /// Both must outlive the planner.
  Planner(Rules const& rules, Cost const& cost);

  /// The next action, or nullptr at the end. Valid until the next call.
  Decision const* next();
  /// The steps whose gradient the last action applied, ascending in microbatch.
  std::span<PlannedStep const> applied() const { return versions_.applied(); }

  /// Largest end of the actions so far: at the end of the plan its makespan.
  Ticks makespan() const { return makespan_; }
  std::int64_t block_updates() const { return versions_.block_updates(); }

 private:
  struct Arrivals {  // at one stage, by microbatch
    IndexedRing<Ticks> forward;
    IndexedRing<Ticks> backward;
  };

  void place_stages();
  int owner(int stage) const { return owner_[static_cast<std::size_t>(stage)]; }
  StageView& view(int stage) { return views_[position_[static_cast<std::size_t>(stage)]]; }
  std::span<StageView> hosted(int worker);
  Arrivals& arrivals(int stage) { return arrivals_[static_cast<std::size_t>(stage)]; }

  bool decide_at_next_time();
  void decide(int worker);
  bool ready(Action const& action);
  void receive_arrivals(int worker);
  Ticks next_arrival(int worker);

  void start(Decision& decision);
  void count_forward(Decision const& decision);
  void count_backward_input(Decision const& decision);
  void admit(Ticks time);
  void send(IndexedRing<Ticks>& arrivals, int from, int to, Ticks end);
  void arrive(IndexedRing<Ticks>& arrivals, int stage, Ticks time);
  [[noreturn]] void report_deadlock();

  Rules const& rules_;
  Cost const& cost_;
  Versions versions_;
  std::vector<StageView> views_;            // by worker, then stage
  std::vector<std::size_t> first_;          // in them, of each worker, and their number
  std::vector<int> owner_;                  // by stage: its worker
  std::vector<std::size_t> position_;       // in them, of each stage
  std::vector<Arrivals> arrivals_;          // by stage
  std::vector<std::int64_t> actions_done_;  // by worker
  EarliestFirst decisions_;                 // when each worker decides next
  std::vector<bool> busy_;       // it has an action that has not been handed out or ended
  std::int64_t entered_ = 0;     // microbatches that stage 0 may forward
  std::vector<Decision> batch_;  // taken at one time, by stage
  std::size_t batch_next_ = 0;
  Ticks now_ = 0;
  Ticks makespan_ = 0;
  int workers_done_ = 0;
};

}  // namespace quartic::plan
