#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "quartic/core/random.hpp"
#include "quartic/engine/run.hpp"
#include "quartic/nn/model.hpp"
#include "support/no_sink.hpp"

/// Whole runs in one process, on an objective small enough to follow.
namespace quartic::engine {

struct MemorySink final : test::NoSink {
  std::map<int, std::vector<StepRow>> step_rows;
  std::map<int, std::vector<EventRow>> event_rows;
  std::vector<LossRow> loss_rows;
  std::map<int, std::vector<StaleReadRow>> stale_read_rows;
  std::vector<ObjectiveRow> objective_rows;
  std::vector<ObjectiveRow> validation_rows;
  void steps(int stage, std::span<StepRow const> rows) override {
    step_rows[stage].insert(step_rows[stage].end(), rows.begin(), rows.end());
  }
  void events(int stage, std::span<EventRow const> rows) override {
    event_rows[stage].insert(event_rows[stage].end(), rows.begin(), rows.end());
  }
  void losses(int, std::span<LossRow const> rows) override {
    loss_rows.insert(loss_rows.end(), rows.begin(), rows.end());
  }
  void stale_reads(int stage, std::span<StaleReadRow const> rows) override {
    stale_read_rows[stage].insert(stale_read_rows[stage].end(), rows.begin(), rows.end());
  }
  void objectives(std::span<ObjectiveRow const> rows) override {
    objective_rows.insert(objective_rows.end(), rows.begin(), rows.end());
  }
  void validations(std::span<ObjectiveRow const> rows) override {
    validation_rows.insert(validation_rows.end(), rows.begin(), rows.end());
  }
};

inline constexpr int stages = 4;
inline constexpr std::int64_t rows = 64;
inline constexpr std::int64_t features = 16;
inline constexpr std::int64_t size = 8;

/// PipeDream's answers by hand, since the engine does not know the methods.
struct Stash final : plan::VersionRule {
  plan::Read forward(plan::PassView const& pass) const override { return {0, pass.at.updates}; }
  plan::Read backward(plan::PassView const& pass) const override { return pass.forward_read; }
  bool stashes() const override { return true; }
};
struct Every final : plan::UpdateRule {
  explicit Every(std::int64_t microbatches) : accumulate(microbatches) {}
  std::int64_t accumulate;
  bool applies_after(int, std::int64_t microbatch) const override {
    return (microbatch + 1) % accumulate == 0;
  }
  std::int64_t minibatch(std::int64_t microbatch) const override { return microbatch / accumulate; }
};
struct Greedy final : plan::Schedule {
  plan::Action next(plan::WorkerView const& view) const override {
    plan::StageView const& at = view.hosted.front();
    if (at.backwards == view.microbatches) return {plan::Kind::done, at.stage};
    if (at.backward_ready > at.backwards) return {plan::Kind::backward, at.stage, at.backwards};
    bool const admitted = at.forwards - at.backwards < stages;
    if (admitted && at.forward_ready > at.forwards)
      return {plan::Kind::forward, at.stage, at.forwards};
    return {};
  }
  std::int64_t activations(int) const override { return stages; }
};

inline plan::Rules rules_for(std::int64_t microbatches, std::int64_t accumulate) {
  return {.shape = {stages, microbatches, accumulate},
          .workers = stages,
          .schedule = std::make_unique<Greedy>(),
          .versions = std::make_unique<Stash>(),
          .updates = std::make_unique<Every>(accumulate)};
}

inline Dataset<double> random_data() {
  Dataset<double> data;
  DenseFeatures<double> x{rows, features, std::vector<double>(rows * features)};
  Stream(0, StreamName::data).normals(x.values);
  data.targets.resize(rows);
  Stream(0, StreamName::data, 1).normals(data.targets);
  data.features = std::move(x);
  return data;
}

inline std::vector<std::unique_ptr<nn::Block<double>>> blocks() {
  nn::ModelSpec const spec{.objective = "quadratic",
                           .stages = stages,
                           .rows = rows,
                           .features = features,
                           .microbatch_size = size};
  std::vector<std::unique_ptr<nn::Block<double>>> all;
  for (int stage = 0; stage < stages; ++stage) {
    all.push_back(nn::make_block<double>(spec, stage, random_data(), Part{0, features}));
  }
  return all;
}

inline RunSettings settings_for(std::int64_t microbatches) {
  RunSettings settings;
  settings.stage = {.stages = stages,
                    .microbatches = microbatches,
                    .microbatch_size = size,
                    .microbatches_an_epoch = rows / size,
                    .learning_rate = {.largest = 0.01}};
  settings.stage.optimizer.learning_rate = 0.01;
  return settings;
}

inline void train(RunSettings const& settings, RecordSink& sink, std::int64_t accumulate = 1,
                  std::vector<std::unique_ptr<nn::Block<double>>> trained = blocks(),
                  CheckpointStore* checkpoints = nullptr) {
  comm::Communicator alone;
  plan::Rules const rules = rules_for(settings.stage.microbatches, accumulate);
  plan::Cost const cost = plan::Cost::parse("slot", stages, 0);
  Run<double> run(alone, {rules, cost}, settings, std::move(trained), {sink, checkpoints});
  run.execute();
}

}  // namespace quartic::engine
