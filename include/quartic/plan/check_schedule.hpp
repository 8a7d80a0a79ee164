#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quartic/plan/cost.hpp"
#include "quartic/plan/schedule_file.hpp"

namespace quartic::plan {

/// When one action of a schedule file takes place.
struct ActionTimes {
  Ticks begin = 0;
  Ticks end = 0;
};

/// The times of all actions, by their numbers in the file. Every worker takes its actions in their
/// order, each as soon as the worker is free and the result of the neighbouring stage is there: on
/// another worker a hop after it was made, as in the Planner. Idle cells of the file are not looked
/// at.
///
/// UsageError when workers wait for each other: says which, and for what. Time and memory are
/// linear in the actions.
std::vector<ActionTimes> action_times(ScheduleFile const& file, Cost const& cost);

/// What a schedule holds at one stage, at most.
struct StageReport {
  int worker = 0;
  std::int64_t activations = 0;  ///< microbatches between F and the end of their B or W
  std::int64_t buffers = 0;      ///< inputs of F that have arrived and are not used yet
};

struct ScheduleReport {
  int workers = 0;
  std::int64_t microbatches = 0;
  Ticks makespan = 0;
  double bubble = 0;  ///< idle share of the workers' time from 0 to the makespan
  std::vector<StageReport> stages;
};

/// `times`: what action_times() returns for the same cost.
ScheduleReport report(ScheduleFile const& file, Cost const& cost,
                      std::vector<ActionTimes> const& times);

/// The report for people; `unit` is the cost's.
std::string to_text(ScheduleReport const& report, std::string const& unit);

}  // namespace quartic::plan
