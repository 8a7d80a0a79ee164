#pragma once

#include <cstdint>
#include <vector>

#include "quartic/plan/planner.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::engine {

/// Messages of passes that have been sent to a stage and that it has not received.
struct InTransit {
  std::int64_t activations = 0;
  std::int64_t gradients = 0;
};

/// Counts the messages that are in transit to every stage at a position of the plan. A checkpoint
/// saves these, wherever their bytes are at that moment. The counts are equal in all pipelines.
class Transit {
 public:
  explicit Transit(int stages) : stages_(static_cast<std::size_t>(stages)) {}

  void pass(plan::Decision const& decision);
  InTransit to(int stage) const { return stages_[static_cast<std::size_t>(stage)]; }

 private:
  InTransit& at(int stage) { return stages_[static_cast<std::size_t>(stage)]; }

  std::vector<InTransit> stages_;
};

}  // namespace quartic::engine
