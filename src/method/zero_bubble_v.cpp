#include <algorithm>

#include "quartic/core/check.hpp"
#include "quartic/method.hpp"

namespace quartic::method {
namespace {

using plan::Action;
using plan::Kind;

/// One worker's order of a minibatch (Qi et al. 2024, §6 and its appendix). The worker owns a
/// stage on the way down the V, `outer`, and one on the way up, `inner`, which is nearer the loss.
class Order {
 public:
  Order(int workers, int worker, std::int64_t microbatches)
      : workers_(workers),
        worker_(worker),
        outer_{worker},
        inner_{2 * workers - 1 - worker},
        microbatches_(microbatches) {}

  std::vector<Action> actions() {
    // The order is built for the microbatches of a steady state; add() drops those beyond the last.
    std::int64_t const enough = std::max<std::int64_t>(microbatches_, 2 * workers_ - 1);
    for (int i = 0; i < 2 * (workers_ - worker_) - 1; ++i) forward(outer_);
    for (int i = 0; i < worker_; ++i) {
      forward(inner_);
      forward(outer_);
    }
    for (int i = worker_; i < workers_; ++i) {
      forward(inner_);
      backward(inner_);
    }
    while (inner_.forwards < outer_.forwards || outer_.forwards < enough) {
      if (outer_.forwards < enough) forward(outer_);
      backward(outer_);
      forward(inner_);
      backward(inner_);
    }
    for (int i = 0; i < worker_; ++i) {
      input(outer_);
      input(inner_);
    }
    for (int i = worker_; i < workers_; ++i) {
      input(outer_);
      weight(outer_);
    }
    while (inner_.weights < inner_.inputs) weight(inner_);
    while (outer_.weights < outer_.inputs) weight(outer_);
    return std::move(actions_);
  }

 private:
  struct Stage {
    int stage;
    std::int64_t forwards = 0;
    std::int64_t inputs = 0;
    std::int64_t weights = 0;
  };
  void add(Kind kind, Stage const& at, std::int64_t microbatch) {
    if (microbatch < microbatches_) actions_.push_back({kind, at.stage, microbatch});
  }
  void forward(Stage& at) { add(Kind::forward, at, at.forwards++); }
  void input(Stage& at) { add(Kind::backward_input, at, at.inputs++); }
  void weight(Stage& at) { add(Kind::backward_weight, at, at.weights++); }
  void backward(Stage& at) {
    input(at);
    weight(at);
  }

  int workers_;
  int worker_;
  Stage outer_;
  Stage inner_;
  std::int64_t microbatches_;
  std::vector<Action> actions_;
};

plan::Rules make(plan::Shape const& shape, OptionValues const& options) {
  if (options.integer("stages-per-worker", 1, shape.stages + 1) != 2) {
    usage_error("--stages-per-worker: must be 2, because zb-v folds the stages once");
  }
  if (shape.stages % 2 != 0) {
    usage_error("--stages {}: must be even, because zb-v has two stages per worker", shape.stages);
  }
  int const workers = shape.stages / 2;
  std::vector<std::vector<Action>> tables;
  tables.reserve(static_cast<std::size_t>(workers));
  for (int worker = 0; worker < workers; ++worker) {
    tables.push_back(Order(workers, worker, shape.accumulate).actions());
  }
  plan::Rules rules = composed(
      shape, table_schedule(std::move(tables), shape.stages, shape.accumulate), live_weights());
  rules.workers = workers;
  for (int stage = 0; stage < shape.stages; ++stage)
    rules.owner.push_back(std::min(stage, shape.stages - 1 - stage));
  return rules;
}

}  // namespace

/// ZB-V: the stages go down the workers and back up, so that the first worker also has the loss.
Method zero_bubble_v() {
  return {.name = "zb-v",
          .order = "V of stages, backward split, flush",
          .reads = {"live", "live"},
          .staleness = "0",
          .drift = "0",
          .copies = "1",
          .activations = "S per worker",
          .bubble = "0 if M >= S-1",
          .summary = "synchronous: zero bubble with the activations of 1F1B",
          .reference = "Qi et al. 2024, arXiv 2401.10241",
          .default_accumulate = 8,
          .options = {{"stages-per-worker", "2", ""}},
          .make = make};
}

}  // namespace quartic::method
