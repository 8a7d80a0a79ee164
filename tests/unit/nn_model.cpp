#include <doctest/doctest.h>

#include "quartic/core/check.hpp"
#include "unit/nn_chain.hpp"

using namespace quartic;
using namespace quartic::samples;

namespace {

nn::ModelSpec spec_of(std::string const& objective, int stages) {
  nn::ModelSpec spec;
  spec.objective = objective;
  spec.stages = stages;
  spec.rows = 8;
  spec.features = 5;
  spec.classes = 2;
  spec.hidden = {3, 3};
  return spec;
}

}  // namespace

TEST_CASE("a cut into too many stages is the user's mistake, and the answer says how many go") {
  CHECK_NOTHROW(nn::check_cut(spec_of("quadratic", 5)));
  CHECK_NOTHROW(nn::check_cut(spec_of("mlp", 3)));
  CHECK_THROWS_WITH_AS(nn::check_cut(spec_of("logistic", 6)),
                       "--stages 6: data with 5 features can be cut into at most 5 stages",
                       UsageError);
  CHECK_THROWS_WITH_AS(nn::check_cut(spec_of("mlp", 4)),
                       "--stages 4: this mlp can be cut into at most 3 stages", UsageError);
  CHECK_THROWS_AS(nn::check_cut(spec_of("mlp", 0)), UsageError);
  auto images = spec_of("conv", 15);
  CHECK_THROWS_WITH_AS(
      nn::check_cut(images),
      "--objective conv: the rows of this data are not images; valid: IDX images, CIFAR images, "
      "and generate:images with a square number of --features",
      UsageError);
  images.image = {1, 5, 1};
  CHECK_THROWS_WITH_AS(nn::check_cut(images),
                       "--stages 15: this vgg16 can be cut into at most 14 stages", UsageError);
  images.model = "resnet50";
  images.depth = 2;
  CHECK_THROWS_WITH_AS(nn::check_cut(images),
                       "--stages 15: this resnet50 can be cut into at most 10 stages", UsageError);
  images.model = "alexnet";
  CHECK_THROWS_WITH_AS(nn::check_cut(images),
                       "--model alexnet: unknown model; valid: vgg16, vgg16-bn, resnet50",
                       UsageError);
  CHECK_THROWS_WITH_AS(
      nn::check_cut(spec_of("hinge", 1)),
      "--objective hinge: unknown objective; valid: quadratic, logistic, mlp, conv, gpt",
      UsageError);
}

TEST_CASE(
    "stages of linear objectives read their own columns, of an mlp only the first reads any") {
  auto const linear = spec_of("quadratic", 2);
  CHECK((nn::columns_of_stage(linear, 0).first == 0 && nn::columns_of_stage(linear, 0).size == 3));
  CHECK((nn::columns_of_stage(linear, 1).first == 3 && nn::columns_of_stage(linear, 1).size == 2));
  auto const mlp = spec_of("mlp", 2);
  CHECK(nn::columns_of_stage(mlp, 0).size == 5);
  CHECK((nn::columns_of_stage(mlp, 1).first == 0 && nn::columns_of_stage(mlp, 1).size == 0));
}

TEST_CASE("a block made of the loaded columns alone equals one made of all") {
  auto const spec = spec_of("quadratic", 2);
  Dataset<double> const all{DenseFeatures<double>{8, 5, normals<double>(40)}, normals<double>(8)};
  Dataset<double> const some{slice_columns(all.features, {2, 3}), all.targets};
  auto const from_all = nn::make_block(spec, 1, all, {0, 5});
  auto const from_some = nn::make_block(spec, 1, some, {2, 3});
  auto const w = normals<double>(2);
  auto const input = normals<double>(4);
  CountingPulse pulse;
  std::vector<double> first(4), second(4);
  CHECK(run(*from_all, &nn::Block<double>::forward, {0, 4, 4}, w, input, {}, first, pulse) ==
        run(*from_some, &nn::Block<double>::forward, {0, 4, 4}, w, input, {}, second, pulse));
  CHECK(first == second);
  CHECK_THROWS_AS(nn::make_block(spec, 0, some, {2, 3}), Failure);
}
