#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "quartic/core/check.hpp"
#include "unit/nn_chain.hpp"

using namespace quartic;
using namespace quartic::samples;

namespace {

constexpr std::int64_t sequence = 5;

nn::ModelSpec small_gpt(int stages) {
  nn::ModelSpec spec;
  spec.objective = "gpt";
  spec.stages = stages;
  spec.rows = 6;
  spec.features = sequence;
  spec.classes = 7;
  spec.labels_a_row = sequence;
  spec.microbatch_size = 2;
  spec.accumulate = 3;
  spec.gpt = {2, 6, 2, sequence};
  return spec;
}

// Tokens that follow no rule; each row's targets are the next tokens.
Dataset<double> tokens() {
  DenseFeatures<double> ids{6, sequence, {}};
  std::vector<double> targets;
  for (std::int64_t i = 0; i < 6 * sequence; ++i) {
    ids.values.push_back(static_cast<double>((i * i + 3) % 7));
    targets.push_back(static_cast<double>(((i + 1) * (i + 1) + 3) % 7));
  }
  return {ids, targets};
}

}  // namespace

TEST_CASE("the gradient of a gpt equals central differences, however it is cut") {
  for (int const stages : {1, 2, 4}) {
    CAPTURE(stages);
    Chain<double> chain(small_gpt(stages), tokens());
    auto const weights = normals<double>(chain.parameters());
    nn::Batch const batch{1, 2, 2};
    auto const slopes = central_differences(
        weights, [&](std::vector<double> const& at) { return chain.forward(batch, at) / 3; });
    auto gradient = std::vector<double>(weights.size(), 0.0);
    chain.forward(batch, weights);
    chain.backward(batch, weights, gradient);
    CHECK(distance(gradient, slopes) < 1e-7);
  }
}

TEST_CASE("a recomputed forward gives the gradient at the backward's weights") {
  for (int const stages : {1, 3}) {
    CAPTURE(stages);
    auto spec = small_gpt(stages);
    Chain<double> plain(spec, tokens());
    spec.recompute = true;
    Chain<double> again(spec, tokens());
    auto const weights = normals<double>(plain.parameters());
    nn::Batch const batch{1, 2, 2};
    CHECK(again.gradient(batch, weights) == plain.gradient(batch, weights));
    CHECK(again.block(0).sizes(2).saved == 0);
    if (stages > 1) continue;

    auto const later = normals<double>(plain.parameters());
    auto gradient = std::vector<double>(weights.size(), 0.0);
    CHECK(again.forward(batch, weights) == plain.forward(batch, weights));
    again.backward(batch, later, gradient);
    CHECK(gradient == plain.gradient(batch, later));
  }
}

TEST_CASE("a cut by hand moves no number but between stages") {
  auto spec = small_gpt(2);
  Chain<double> even(spec, tokens());
  spec.cut = {3};
  Chain<double> other(spec, tokens());
  CHECK(other.block(1).parameter_count() < even.block(1).parameter_count());
  auto const weights = even.start(5);
  CHECK(other.start(5) == weights);
  CHECK(other.gradient({0, 0, 2}, weights) == even.gradient({0, 0, 2}, weights));
}

TEST_CASE("a gpt starts the same however it is cut, at the loss of an even guess") {
  Chain<double> whole(small_gpt(1), tokens());
  Chain<double> cut(small_gpt(4), tokens());
  auto const weights = whole.start(3);
  CHECK(weights == cut.start(3));
  CHECK(whole.forward({0, 0, 2}, weights) == cut.forward({0, 0, 2}, weights));
  CHECK(whole.forward({0, 0, 2}, weights) == doctest::Approx(std::log(7.0)).epsilon(0.01));
}

TEST_CASE("the parameters of a gpt have nanoGPT's names and shapes") {
  Chain<double> chain(small_gpt(4), tokens());
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (std::size_t stage = 0; stage < chain.stages(); ++stage) {
    for (auto const& parameter : chain.block(stage).parameters()) {
      CHECK(shapes.emplace(parameter.name, parameter.shape).second);
    }
  }
  CHECK(shapes.size() == 2 + 2 * 12 + 3);
  CHECK(shapes.at("transformer.wte.weight") == std::vector<std::int64_t>{7, 6});
  CHECK(shapes.at("transformer.wpe.weight") == std::vector<std::int64_t>{5, 6});
  CHECK(shapes.at("transformer.h.1.ln_1.bias") == std::vector<std::int64_t>{6});
  CHECK(shapes.at("transformer.h.0.attn.c_attn.weight") == std::vector<std::int64_t>{18, 6});
  CHECK(shapes.at("transformer.h.0.attn.c_proj.weight") == std::vector<std::int64_t>{6, 6});
  CHECK(shapes.at("transformer.h.0.mlp.c_fc.weight") == std::vector<std::int64_t>{24, 6});
  CHECK(shapes.at("transformer.h.1.mlp.c_proj.bias") == std::vector<std::int64_t>{6});
  CHECK(shapes.at("transformer.ln_f.weight") == std::vector<std::int64_t>{6});
  CHECK(shapes.at("lm_head.weight") == std::vector<std::int64_t>{7, 6});
}

TEST_CASE("heads that do not divide the width are refused") {
  auto spec = small_gpt(1);
  spec.gpt.heads = 4;
  CHECK_THROWS_WITH_AS(nn::check_cut(spec), "--heads 4: must divide --width 6", UsageError);
}
