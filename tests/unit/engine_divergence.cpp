// What is not finite ends a run where it arises.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include "quartic/core/check.hpp"
#include "support/null_block.hpp"
#include "unit/small_run.hpp"

namespace quartic::engine {
namespace {

enum class Made { activations, loss, input_gradient, gradient };

/// Makes one thing at one microbatch that is not finite.
class DivergingBlock final : public test::NullBlock {
 public:
  DivergingBlock(int stage, Made made, std::int64_t microbatch, double value)
      : NullBlock(stage, stages, 0), made_(made), microbatch_(microbatch), value_(value) {}
  double forward(nn::Batch batch, Input, Input, Values output, Values, nn::Pulse&) override {
    fill(output, Made::activations, batch);
    double loss = 0;
    fill({&loss, 1}, Made::loss, batch);
    return loss;
  }
  void backward_input(nn::Batch batch, Input, Input, Input, Input, Values gradient, Values,
                      nn::Pulse&) override {
    fill(gradient, Made::input_gradient, batch);
  }
  void backward_weight(nn::Batch batch, Input, Input, Input, Input, Input, Values gradient,
                       nn::Pulse&) override {
    fill(gradient, Made::gradient, batch);
  }

 private:
  void fill(Values values, Made made, nn::Batch batch) const {
    std::fill(values.begin(), values.end(), 0.5);
    if (made == made_ && batch.microbatch == microbatch_) values.back() = value_;
  }

  Made made_;
  std::int64_t microbatch_;
  double value_;
};

/// The stage and microbatch of the divergence, and what it says; of a run that does not, -1.
std::tuple<int, std::int64_t, std::string> diverge(int where, Made made, double value) {
  constexpr std::int64_t microbatch = 5;
  std::vector<std::unique_ptr<nn::Block<double>>> trained;
  for (int stage = 0; stage < stages; ++stage) {
    trained.push_back(
        std::make_unique<DivergingBlock>(stage, made, stage == where ? microbatch : -1, value));
  }
  test::NoSink sink;
  try {
    train(settings_for(20), sink, 1, std::move(trained));
  } catch (Divergence const& divergence) {
    return {divergence.stage, divergence.microbatch, divergence.what()};
  }
  return {-1, -1, ""};
}

TEST_CASE("what is not finite is found at the stage that makes it, whatever it is") {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  auto const found = [](int stage, Made made, double value, std::string const& what) {
    CAPTURE(stage);
    CHECK(diverge(stage, made, value) ==
          std::tuple(stage, std::int64_t{5},
                     fmt::format("{} not finite at stage {}, microbatch 5", what, stage)));
  };
  for (double const value : {infinite, -infinite, undefined}) {
    for (int stage = 0; stage < stages; ++stage) {
      found(stage, Made::gradient, value, "the gradient or its update is");
      if (stage > 0) found(stage, Made::input_gradient, value, "the input gradient is");
      if (stage < stages - 1) found(stage, Made::activations, value, "the activations are");
    }
    found(stages - 1, Made::loss, value, "the loss is");
  }
  for (Made const made : {Made::activations, Made::loss, Made::input_gradient, Made::gradient})
    CHECK(std::get<0>(diverge(1, made, 1e100)) == -1);
}

TEST_CASE("a diverging run says where, and hands over what it has recorded") {
  MemorySink sink;
  RunSettings settings = settings_for(20000);
  settings.stage.learning_rate.largest = 50;
  int stage = -1;
  try {
    train(settings, sink);
  } catch (Divergence const& divergence) {
    stage = divergence.stage;
    CHECK(divergence.microbatch == sink.loss_rows.back().microbatch);
  }
  CHECK(stage == stages - 1);  // a loss is a square of what all stages have added up
  CHECK_FALSE(std::isfinite(sink.loss_rows.back().loss));
  CHECK(sink.step_rows[0].size() > 10);
}

}  // namespace
}  // namespace quartic::engine
