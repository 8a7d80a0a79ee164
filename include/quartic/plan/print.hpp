#pragma once

#include <string>
#include <vector>

#include "quartic/plan/planner.hpp"
#include "quartic/plan/statistics.hpp"

/// The printed forms of a plan (command-line.md).
namespace quartic::plan {

/// The grid for people: one row a stage, one column a slot, a number in the forward's and the
/// backward's style ("3" forward, "3b" backward; minibatches of several microbatches alike).
class Grid {
 public:
  explicit Grid(Rules const& rules);
  void add(PlannedAction const& planned);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> cells_;  // by stage, then slot
};

/// One line a worker, cells `0F3`, an empty cell for each slot without work, as PyTorch's schedule
/// files.
class Csv {
 public:
  explicit Csv(Rules const& rules);
  void add(PlannedAction const& planned);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> cells_;  // by worker, then slot
};

/// The table of staleness, drift, delay, copies, activations and utilisation, a line a stage.
std::string table(Statistics const& statistics, std::string const& unit);

}  // namespace quartic::plan
