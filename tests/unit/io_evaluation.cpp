// An evaluation that a checkpoint interrupts goes on to the same rows, whichever of its sweeps lie
// behind it.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "io_files.hpp"
#include "quartic/engine/evaluation.hpp"
#include "quartic/io/checkpoint.hpp"
#include "unit/small_run.hpp"

namespace quartic::io {
namespace {

constexpr std::int64_t trained = 40;  // of 64 rows

/// Three cuts of a quadratic on one stage, with rows held out: a sweep of each part, and one back.
struct Evaluated {
  explicit Evaluated(bool pins) {
    block = nn::make_block<double>({.objective = "quadratic",
                                    .stages = 1,
                                    .rows = trained,
                                    .held_out_first = trained,
                                    .held_out_rows = engine::rows - trained,
                                    .features = engine::features,
                                    .microbatch_size = 1},
                                   0, engine::random_data(), Part{0, engine::features});
    evaluation = std::make_unique<engine::StageEvaluation<double>>(0, 0, 1, 1, *block,
                                                                   engine::StageLinks{}, recorder);
    for (int cut = 0; pins && cut < 3; ++cut) {
      std::vector<double> const weights(engine::features, 0.5 * cut);
      evaluation->pin({1.0 * cut, 7}, weights, cut);
    }
    evaluation->close();
  }
  void finish() {
    while (evaluation->progress()) continue;
    recorder.flush();
  }

  engine::MemorySink sink;
  engine::Recorder recorder{sink, 1, 1};
  std::unique_ptr<nn::Block<double>> block;
  std::unique_ptr<engine::StageEvaluation<double>> evaluation;
};

/// A stage's file needs weights.
void visit(engine::Archive& archive, engine::StageEvaluation<double>& evaluation) {
  evaluation.state(archive);
  auto const group = archive.group("weights");
  auto const replica = archive.group("replica_0000");
  std::vector<double> weights(1);
  archive.array<double>("weights", weights);
}

TEST_CASE("an evaluation of a linear objective goes on from every one of its sweeps") {
  Evaluated whole(true);
  whole.finish();
  REQUIRE(whole.sink.objective_rows.size() == 3);
  REQUIRE(whole.sink.validation_rows.size() == 3);
  for (int sweeps = 0; sweeps < 2; ++sweeps) {
    CAPTURE(sweeps);
    test::TemporaryFolder const folder;
    CheckpointFolder checkpoints(folder.path(),
                                 [](engine::Seat) { return std::vector<NamedPart>{}; }, {});
    Evaluated before(true);
    for (int i = 0; i < sweeps; ++i) REQUIRE(before.evaluation->progress());
    auto const state = [](Evaluated& of) {
      return [&of](engine::Archive& archive) { visit(archive, *of.evaluation); };
    };
    checkpoints.save(1, {0, 0}, state(before));
    checkpoints.finish();
    checkpoints.commit({1, {}, 0, 0}, -1);
    Evaluated after(false);
    checkpoints.restore(1, {0, 0}, state(after));
    after.evaluation->close();
    after.finish();
    REQUIRE(after.sink.objective_rows.size() == 3);
    REQUIRE(after.sink.validation_rows.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(after.sink.objective_rows[i].value == whole.sink.objective_rows[i].value);
      CHECK(after.sink.objective_rows[i].gradient_sq == whole.sink.objective_rows[i].gradient_sq);
      CHECK(after.sink.validation_rows[i].value == whole.sink.validation_rows[i].value);
    }
  }
}

}  // namespace
}  // namespace quartic::io
