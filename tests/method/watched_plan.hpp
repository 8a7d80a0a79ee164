#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/method/registry.hpp"
#include "quartic/plan/planner.hpp"
#include "quartic/plan/statistics.hpp"

namespace quartic::test {

/// A whole plan with its statistics, and everything of it in memory.
struct WatchedPlan {
  plan::Rules rules;
  std::vector<plan::Decision> actions;
  std::vector<plan::PlannedStep> steps;
  plan::WindowStatistics steady;
  plan::WindowStatistics whole;
  double makespan = 0;
  double bubble = 0;
};

/// 1 to `most`, and 128: the closed forms hold for every S.
inline std::vector<int> stage_counts(int most) {
  std::vector<int> counts;
  for (int stages = 1; stages <= most; ++stages) counts.push_back(stages);
  counts.push_back(128);
  return counts;
}

inline WatchedPlan watch(std::string const& method, plan::Shape const& shape,
                         std::string const& cost,
                         std::map<std::string, std::string> const& options = {},
                         std::uint64_t seed = 0) {
  WatchedPlan watched;
  watched.rules = method::make_rules(method::find_method(method), shape, options);
  plan::Cost const costs = plan::Cost::parse(cost, shape.stages, seed);
  plan::Statistics statistics(watched.rules);
  plan::Planner planner(watched.rules, costs);
  while (plan::Decision const* planned = planner.next()) {
    statistics.add(*planned, planner.applied());
    watched.actions.push_back(*planned);
    watched.steps.insert(watched.steps.end(), planner.applied().begin(), planner.applied().end());
  }
  watched.steady = statistics.steady();
  watched.whole = statistics.whole();
  watched.makespan = plan::to_units(statistics.makespan());
  watched.bubble = statistics.bubble();
  return watched;
}

}  // namespace quartic::test
