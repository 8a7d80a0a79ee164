// What a whole run records, keeps and allocates.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "quartic/core/check.hpp"
#include "support/allocations.hpp"
#include "support/null_block.hpp"
#include "unit/small_run.hpp"

namespace quartic::engine {
namespace {

/// A weight whose gradient is 0, and a statistic of which every microbatch measures 1; the
/// objective is the statistic.
class MeasuringBlock final : public test::NullBlock {
 public:
  explicit MeasuringBlock(int stage) : NullBlock(stage, stages, 0) {}

  std::int64_t parameter_count() const override { return 2; }
  std::vector<nn::Parameter> parameters() const override {
    return {{"weight", {1}, 0}, {"running_mean", {1}, 1, nn::Role::statistic}};
  }
  void initialise(Values weights, std::uint64_t) const override { weights[0] = weights[1] = 0; }
  void backward_weight(nn::Batch, Input, Input, Input, Input, Input, Values gradient,
                       nn::Pulse&) override {
    gradient[1] += 1;
  }
  void sweep_forward(nn::Sweep, Input weights, Input, Values,
                     std::span<nn::Score> scores) override {
    scores[0].value += weights[1];
  }
};

TEST_CASE("every step is recorded once, with what the method says of it") {
  MemorySink sink;
  RunSettings settings = settings_for(40);
  settings.stage.events = true;
  settings.snapshots.every_ticks = 7 * plan::ticks_per_unit;
  train(settings, sink);
  CHECK(sink.loss_rows.size() == 40);
  for (int stage = 0; stage < stages; ++stage) {
    REQUIRE(sink.step_rows[stage].size() == 40);
    CHECK(sink.event_rows[stage].size() == 80);
    for (std::int64_t j = 0; j < 40; ++j) {
      StepRow const& row = sink.step_rows[stage][static_cast<std::size_t>(j)];
      CHECK(row.microbatch == j);
      CHECK(row.version_applied == j);
      CHECK(row.version_backward == row.version_forward);
      CHECK(row.staleness == row.version_applied - row.version_forward);
      CHECK(row.forward_begin_ns <= row.forward_end_ns);
      CHECK(row.forward_end_ns <= row.backward_begin_ns);
      CHECK(row.backward_begin_ns <= row.backward_end_ns);
      CHECK(row.plan_backward > row.plan_forward);
      CHECK(std::isnan(row.displacement_sq));
      if (j >= 16 && j < 36) CHECK(row.staleness == stages - 1 - stage);
    }
  }
  REQUIRE(sink.objective_rows.size() == 14);  // makespan 86: snapshots at 0, 7, …, 84 and 86
  CHECK(sink.objective_rows.front().block_updates == 0);
  CHECK(sink.objective_rows.back().block_updates == 40 * stages);
  CHECK(sink.objective_rows.back().plan_time == 86);
  CHECK(sink.objective_rows.back().value < sink.objective_rows.front().value);
}

TEST_CASE("noise, norms and distances leave statistics out") {
  for (double const noise : {0.0, 0.5}) {
    MemorySink sink;
    RunSettings settings = settings_for(12);
    settings.stage.displacement_every = settings.stage.stale_read_every = 1;
    settings.stage.gradient_noise = noise;
    std::vector<std::unique_ptr<nn::Block<double>>> measuring;
    for (int stage = 0; stage < stages; ++stage) {
      measuring.push_back(std::make_unique<MeasuringBlock>(stage));
    }
    train(settings, sink, 1, std::move(measuring));
    CHECK(sink.objective_rows.back().value == doctest::Approx(stages * (1 - std::pow(0.9, 12))));
    for (StepRow const& row : sink.step_rows[0]) {
      CHECK((row.gradient_sq > 0) == (noise > 0));
      CHECK((row.displacement_sq > 0) == (noise > 0 && row.staleness > 0));
    }
    for (StaleReadRow const& row : sink.stale_read_rows[1]) CHECK((row.value > 0) == (noise > 0));
  }
}

TEST_CASE("microbatches of one update have their rows when it is applied, each once") {
  for (Order const order : {Order::plan, Order::arrival}) {
    MemorySink sink;
    RunSettings settings = settings_for(40);
    settings.order = order;
    train(settings, sink, 5);
    for (int stage = 0; stage < stages; ++stage) {
      REQUIRE(sink.step_rows[stage].size() == 40);
      for (std::int64_t j = 0; j < 40; ++j) {
        StepRow const& row = sink.step_rows[stage][static_cast<std::size_t>(j)];
        CHECK(row.microbatch == j);
        CHECK(row.minibatch == j / 5);
        CHECK(row.version_applied == j / 5);
        CHECK(row.gradient_sq ==
              sink.step_rows[stage][static_cast<std::size_t>(j / 5 * 5)].gradient_sq);
        CHECK((row.delay_own >= 0) == (order == Order::plan));
      }
    }
  }
}

TEST_CASE("snapshots by updates are at those updates") {
  MemorySink sink;
  RunSettings settings = settings_for(10);
  settings.snapshots.every_updates = 12;
  train(settings, sink);
  std::vector<std::int64_t> updates;
  for (ObjectiveRow const& row : sink.objective_rows) updates.push_back(row.block_updates);
  CHECK(updates == std::vector<std::int64_t>{0, 12, 24, 36, 40});
}

TEST_CASE("displacement is that of the weights between a microbatch's forward and its update") {
  MemorySink sink;
  RunSettings settings = settings_for(30);
  settings.stage.displacement_every = 5;
  train(settings, sink);
  for (StepRow const& row : sink.step_rows[0]) {
    CHECK(std::isnan(row.displacement_sq) == (row.microbatch % 5 != 0));
    if (row.microbatch == 0 || row.staleness == 0) continue;
    if (row.microbatch % 5 == 0) CHECK(row.displacement_sq > 0);
  }
  for (StepRow const& row : sink.step_rows[stages - 1]) {  // nothing stale at the last stage
    if (row.microbatch % 5 == 0) CHECK(row.displacement_sq == 0);
  }
}

TEST_CASE("stale reads count what has ended when stage 0 begins the backward, at every stage") {
  MemorySink sink;
  RunSettings settings = settings_for(30);
  settings.stage.stale_read_every = 4;
  train(settings, sink);
  for (int stage = 0; stage < stages; ++stage) {
    std::vector<StaleReadRow> const& samples = sink.stale_read_rows[stage];
    REQUIRE(samples.size() == 8);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      CHECK(samples[i].microbatch == static_cast<std::int64_t>(4 * i));
      CHECK(samples[i].plan_time == sink.step_rows[0][4 * i].plan_backward);
      CHECK((samples[i].value > 0) == (i > 0 || stage > 0));  // the first one's own, but at stage 0
    }
  }
}

TEST_CASE("every K-th microbatch has a row when asked for") {
  MemorySink sink;
  RunSettings settings = settings_for(30);
  settings.trace_every = 7;
  train(settings, sink);
  CHECK(sink.step_rows[2].size() == 5);
  CHECK(sink.step_rows[2].back().microbatch == 28);
}

TEST_CASE("seats of all pipelines are hosted by contiguous workers, wherever their stages are") {
  plan::Rules rules = rules_for(8, 1);
  Hosting const spread(rules, 2, 3, 1);  // 8 workers on 3 ranks: 3, 3, 2
  CHECK(std::vector<Seat>(spread.seats().begin(), spread.seats().end()) ==
        std::vector<Seat>{{0, 3}, {1, 0}, {1, 1}});
  CHECK(spread.rank_of({1, 3}) == 2);
  CHECK(spread.local_stage({1, 0}) == 1);
  CHECK(spread.local_stage({0, 0}) == -1);
  rules.workers = stages / 2;
  rules.owner = {0, 1, 1, 0};
  Hosting const folded(rules, 1, 2, 0);
  CHECK(std::vector<Seat>(folded.seats().begin(), folded.seats().end()) ==
        std::vector<Seat>{{0, 0}, {0, 3}});
  CHECK_THROWS_AS(Hosting(rules, 1, 3, 0), UsageError);
}

TEST_CASE("on arrival every microbatch is trained, with the same counts") {
  MemorySink sink;
  RunSettings settings = settings_for(40);
  settings.order = Order::arrival;
  settings.snapshots.every_updates = 10 * stages;
  train(settings, sink);
  for (int stage = 0; stage < stages; ++stage) {
    REQUIRE(sink.step_rows[stage].size() == 40);
    for (StepRow const& row : sink.step_rows[stage]) {
      CHECK(row.staleness >= 0);
      CHECK(row.staleness < stages);
      CHECK(row.delay_own == -1);
      CHECK(std::isnan(row.plan_forward));
    }
  }
  REQUIRE(sink.objective_rows.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(sink.objective_rows[i].block_updates == static_cast<std::int64_t>(i) * 10 * stages);
  }
}

/// What a run may be made of besides PipeDream's answers.
struct Variant {
  std::string name;
  plan::Bend forward = {};
  plan::Bend backward = {};
  std::int64_t kept_for = 0;  ///< microbatches that share what one of them has bent
  plan::Correction correction = {};
  int replicas = 1;
  int pipelines = 1;
};

/// The newest weights of its own replica for both passes, bent as the variant says; a backward that
/// bends reads its forward's version.
struct Live final : plan::VersionRule {
  explicit Live(Variant const& given) : variant(given), replicas(given.replicas) {}
  Variant variant;
  int replicas;
  plan::Read forward(plan::PassView const& pass) const override {
    return {.version = live(pass), .bend = variant.forward, .kept = kept(pass.microbatch)};
  }
  plan::Read backward(plan::PassView const& pass) const override {
    return {.version = stashes() ? pass.forward_read.version : live(pass),
            .bend = variant.backward,
            .kept = kept(pass.microbatch)};
  }
  std::int64_t kept(std::int64_t microbatch) const {
    return variant.kept_for > 0 ? microbatch / variant.kept_for : -1;
  }
  bool stashes() const override { return !(variant.backward == plan::Bend{}); }
  bool predicts() const override { return variant.forward.step != 0; }
  double mean_decay(int) const override { return variant.backward.mean != 0 ? 0.5 : -1; }
  std::int64_t oldest_needed(plan::PassView const& last) const override {
    bool const updated = last.at.backwards > last.microbatch;
    return replicas == 1 ? last.at.updates : last.microbatch / replicas + (updated ? 1 : 0);
  }
  std::int64_t live(plan::PassView const& pass) const {
    return replicas == 1 ? pass.at.updates : pass.microbatch / replicas;
  }
};
struct EveryRound final : plan::UpdateRule {
  explicit EveryRound(Variant const& given)
      : replicas(given.replicas), own_correction(given.correction) {}
  int replicas;
  plan::Correction own_correction;
  plan::Correction correction(int) const override { return own_correction; }
  bool applies_after(int, std::int64_t) const override { return true; }
  std::int64_t minibatch(std::int64_t microbatch) const override { return microbatch / replicas; }
  bool averages_after(std::int64_t microbatch) const override {
    return (microbatch + 1) % replicas == 0;
  }
};
/// One microbatch after the other, so that replicas need no rounds.
struct Serial final : plan::Schedule {
  plan::Action next(plan::WorkerView const& view) const override { return greedy.next(view); }
  std::int64_t activations(int) const override { return 1; }
  std::int64_t largest_in_pipeline() const override { return 1; }
  Greedy greedy;
};

plan::Rules rules_of(std::int64_t microbatches, Variant const& variant) {
  plan::Rules rules = rules_for(microbatches, 1);
  if (variant.name == "stash") return rules;
  if (variant.replicas > 1) rules.schedule = std::make_unique<Serial>();
  rules.versions = std::make_unique<Live>(variant);
  rules.updates = std::make_unique<EveryRound>(variant);
  rules.replicas = variant.replicas;
  return rules;
}

std::size_t allocations_of(std::int64_t microbatches, Variant const& variant) {
  test::NoSink sink;
  RunSettings settings = settings_for(microbatches);
  settings.averaging = {variant.pipelines, 2, {0.7, 0.9}};
  settings.stage.pipelines = variant.pipelines;
  settings.stage.displacement_every = settings.stage.stale_read_every = 3;
  settings.stage.optimizer.name = "momentum";
  std::vector<std::unique_ptr<nn::Block<double>>> seats;
  for (int pipeline = 0; pipeline < variant.pipelines; ++pipeline) {
    for (auto& block : blocks()) seats.push_back(std::move(block));
  }
  comm::Communicator alone;
  plan::Rules const rules = rules_of(microbatches, variant);
  plan::Cost const cost = plan::Cost::parse("slot", stages, 0);
  std::size_t const before = test::allocations();
  Run<double> run(alone, {rules, cost}, settings, std::move(seats), {sink});
  run.execute();
  return test::allocations() - before;
}

TEST_CASE("the steady state allocates nothing: a long run allocates what a short one does") {
  plan::Bend const blend{.read = 0.25, .live = 0.75};
  for (Variant const& variant :
       {Variant{"stash"}, Variant{"live"}, Variant{.name = "blend", .backward = blend},
        Variant{.name = "mean update", .backward = {.mean = -2}},
        Variant{.name = "predict", .forward = {.step = 1}},
        Variant{.name = "all four", .forward = {0.5, 0.5, 2, 0}, .backward = {0.5, 0.25, 1, 3}},
        Variant{.name = "kept", .forward = {.step = 1}, .kept_for = 3},
        Variant{.name = "compensate",
        .backward = {.read = 1, .step = 1},
        .correction = {.compensation = 0.1, .momentum = 0.5}},
        Variant{.name = "replicas", .replicas = 4}, Variant{.name = "pipelines", .pipelines = 3}}) {
    CAPTURE(variant.name);
    std::size_t const of_short = allocations_of(200, variant);
    CHECK(of_short > 0);
    CHECK(allocations_of(4000, variant) == of_short);
  }
}

}  // namespace
}  // namespace quartic::engine
