#include <algorithm>

#include "quartic/method.hpp"

namespace quartic::method {
namespace {

using plan::Action;
using plan::Kind;

class TableSchedule final : public plan::Schedule {
 public:
  TableSchedule(std::vector<std::vector<Action>> tables, int stages, std::int64_t window)
      : tables_(std::move(tables)),
        activations_(static_cast<std::size_t>(stages)),
        window_(window) {
    for (auto const& table : tables_) count_activations(table);
  }

  Action next(plan::WorkerView const& view) const override {
    auto const& table = tables_[static_cast<std::size_t>(view.worker)];
    std::int64_t const size = std::ssize(table);
    std::int64_t const first = view.actions_done / size * window_;
    if (first == view.microbatches) return {Kind::done, view.hosted.front().stage};
    Action action = table[static_cast<std::size_t>(view.actions_done % size)];
    action.microbatch += first;
    return action;
  }
  std::int64_t activations(int stage) const override {
    return activations_[static_cast<std::size_t>(stage)];
  }

 private:
  /// The most microbatches that each stage of the table holds at once.
  void count_activations(std::vector<Action> const& table) {
    std::vector<std::int64_t> held(activations_.size());
    for (Action const& action : table) {
      auto const stage = static_cast<std::size_t>(action.stage);
      if (action.kind == Kind::forward) {
        activations_[stage] = std::max(activations_[stage], ++held[stage]);
      } else if (action.kind != Kind::backward_input) {
        --held[stage];
      }
    }
  }

  std::vector<std::vector<Action>> tables_;  // by worker
  std::vector<std::int64_t> activations_;    // by stage
  std::int64_t window_;
};

}  // namespace

std::unique_ptr<plan::Schedule> table_schedule(std::vector<std::vector<Action>> tables, int stages,
                                               std::int64_t window) {
  return std::make_unique<TableSchedule>(std::move(tables), stages, window);
}

}  // namespace quartic::method
