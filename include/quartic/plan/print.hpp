#pragma once

#include <string>
#include <vector>

#include "quartic/plan/planner.hpp"
#include "quartic/plan/statistics.hpp"

/// The printed forms of a plan.
namespace quartic::plan {

/// The grid for people: one row a stage, one column a slot. "3" is the forward of microbatch 3,
/// "3b" its backward ("3i", "3w" where it is split). Where a backward covers a whole minibatch, as
/// in TiMePReSt's figures: "1a 1b" are the forwards of minibatch 1's microbatches, "1" its
/// backward.
class Grid {
 public:
  explicit Grid(Rules const& rules);
  void add(Decision const& planned);
  std::string text() const;

 private:
  std::string cell(Action const& action) const;
  std::int64_t accumulate_;
  bool by_minibatch_ = false;
  std::vector<std::vector<Action>> actions_;  // by stage, then slot
};

/// One line a worker, cells `0F3`, an empty cell for each slot without work, as PyTorch's schedule
/// files. UsageError for a plan that such a file cannot hold.
class Csv {
 public:
  explicit Csv(Rules const& rules);
  void add(Decision const& planned);
  std::string text() const;

 private:
  bool sampled_;
  std::vector<std::vector<std::string>> cells_;  // by worker, then slot
};

/// The table of staleness, drift, delay, copies, activations and utilisation, a line a stage.
std::string table(Statistics const& statistics, std::string const& unit);

}  // namespace quartic::plan
