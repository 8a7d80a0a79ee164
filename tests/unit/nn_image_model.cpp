#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "quartic/core/random.hpp"
#include "quartic/nn/image_model.hpp"
#include "quartic/nn/layer.hpp"
#include "quartic/nn/optimizer.hpp"
#include "unit/nn_chain.hpp"

using namespace quartic;
using namespace quartic::samples;

namespace {

constexpr std::int64_t row_count = 4;
constexpr ImageShape small{1, 30, 28};
nn::Batch const batch{4, 1, 3};

// One channel or a few in each layer, and one convolution or block a section.
nn::ModelSpec tiny(std::string const& model, int stages, double width_factor = 1.0 / 64) {
  nn::ModelSpec spec;
  spec.objective = "conv";
  spec.model = model;
  spec.stages = stages;
  spec.rows = row_count;
  spec.features = small.channels * small.height * small.width;
  spec.image = small;
  spec.classes = 3;
  spec.width_factor = width_factor;
  spec.depth = 1;
  spec.accumulate = 2;
  return spec;
}

// The same at every call: where a difference straddles the kink of a ReLU it is no derivative, so
// these are images for which none does.
Dataset<double> images(nn::ModelSpec const& spec) {
  DenseFeatures<double> x{row_count, spec.features, {}};
  x.values.resize(static_cast<std::size_t>(row_count * spec.features));
  Stream(1, StreamName::data, 0).normals(x.values);
  return {std::move(x), {1, 0, 2, 1}};
}

// Start weights, but biases that keep most units alive.
std::vector<double> start(Chain<double>& chain) {
  auto w = chain.start(17);
  for (double& value : w) value = 2 * value + 0.05;
  return w;
}

// For each weight of the whole chain: whether it is trained.
std::vector<bool> trained(Chain<double>& chain) {
  std::vector<bool> all;
  for (std::size_t s = 0; s < chain.stages(); ++s) {
    std::vector<bool> own(static_cast<std::size_t>(chain.block(s).parameter_count()));
    auto const parameters = chain.block(s).parameters();
    for (auto const& [first, size] : nn::trained_parts(parameters)) {
      std::fill_n(own.begin() + first, size, true);
    }
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

// The names and shapes of all parameters of a model in its full form: "fc.bias 10".
std::vector<std::string> entries(std::string const& model, std::int64_t& parameters) {
  nn::ModelSpec spec;
  spec.model = model;
  spec.classes = 10;
  spec.image = {3, 32, 32};
  std::vector<std::string> all;
  parameters = 0;
  for (auto const& unit : nn::image_units<float>(spec)) {
    for (auto const& [name, layer] : unit) {
      for (auto const& parameter : layer->parameters()) {
        std::string entry = name + "." + parameter.name;
        for (std::int64_t const side : parameter.shape) entry += " " + std::to_string(side);
        all.push_back(entry);
        if (parameter.role == nn::Role::trained) parameters += nn::element_count(parameter);
      }
    }
  }
  return all;
}

bool has(std::vector<std::string> const& all, std::string const& entry) {
  return std::find(all.begin(), all.end(), entry) != all.end();
}

}  // namespace

TEST_CASE("the gradient of image networks is that of their loss, by central differences") {
  for (std::string const model : {"vgg16", "vgg16-bn", "resnet50"}) {
    CAPTURE(model);
    auto const spec = tiny(model, 2);
    Chain<double> chain(spec, images(spec));
    auto const w = start(chain);
    auto const is_trained = trained(chain);
    auto const slopes = central_differences(
        w, [&](std::vector<double> const& at) { return chain.forward(batch, at) / 2; });
    auto const gradient = chain.gradient(batch, w);
    double largest = 0;
    for (std::size_t i = 0; i < w.size(); ++i) {
      if (!is_trained[i]) continue;
      CHECK(std::abs(gradient[i] - slopes[i]) < 1e-6);
      largest = std::max(largest, std::abs(slopes[i]));
    }
    CHECK(largest > 1e-3);
  }
}

TEST_CASE("an image network does not depend on how it is cut, nor on when its weight halves run") {
  for (std::string const model : {"vgg16", "vgg16-bn", "resnet50"}) {
    CAPTURE(model);
    auto const data = images(tiny(model, 1));
    Chain<double> whole(tiny(model, 1, 0.05), data);
    auto const w = start(whole);
    double const loss = whole.forward(batch, w);
    auto const gradient = whole.gradient(batch, w);
    for (int const stages : {1, 2, 4, 6}) {
      Chain<double> chain(tiny(model, stages, 0.05), data);
      CHECK(chain.start(17) == whole.start(17));
      CHECK(chain.forward(batch, w) == loss);
      CHECK(chain.gradient(batch, w) == gradient);
      std::vector<double> late(w.size(), 0.0);
      chain.forward(batch, w);
      chain.backward(batch, w, late, true);
      CHECK(late == gradient);
    }
  }
}

TEST_CASE("image networks have torchvision's parameters") {
  std::int64_t count = 0;
  auto const vgg = entries("vgg16", count);
  CHECK(count == 14714688 + 5130);  // torchvision's features, and the classifier
  CHECK(vgg.front() == "features.0.weight 64 3 3 3");
  CHECK(has(vgg, "features.28.weight 512 512 3 3"));
  CHECK(vgg.back() == "classifier.bias 10");
  auto const normalised = entries("vgg16-bn", count);
  CHECK(count == 14723136 + 5130);
  CHECK(has(normalised, "features.0.bias 64"));
  CHECK(has(normalised, "features.1.running_var 64"));
  CHECK(has(normalised, "features.41.weight 512"));
  auto const resnet = entries("resnet50", count);
  CHECK(count == 23508032 - 9408 + 1728 + 20490);  // torchvision's without fc, but for the stem
  CHECK(resnet.front() == "conv1.weight 64 3 3 3");
  CHECK(has(resnet, "layer1.0.downsample.0.weight 256 64 1 1"));
  CHECK(has(resnet, "layer4.2.conv2.weight 512 512 3 3"));
  CHECK(has(resnet, "layer3.0.downsample.1.running_mean 1024"));
  CHECK(resnet.back() == "fc.bias 10");
  CHECK(resnet.size() == 1 + 4 + 16 * 15 + 4 * 5 + 2);
}

TEST_CASE(
    "an update moves running statistics a tenth towards the minibatch's mean, for evaluation") {
  auto const spec = tiny("vgg16-bn", 1, 0.05);
  Chain<double> chain(spec, images(spec));
  auto w = chain.start(17);
  auto const parameters = chain.block(0).parameters();
  auto const place = std::find_if(parameters.begin(), parameters.end(), [](auto const& parameter) {
    return parameter.name == "features.1.running_mean";
  });
  auto const at = static_cast<std::size_t>(place->offset);
  auto const optimizer = nn::make_optimizer<double>({.name = "sgd"}, nn::update_groups(parameters));
  auto const first = chain.gradient({0, 0, 2}, w);  // each carries 1/M
  auto both = chain.gradient({1, 2, 2}, w);
  for (std::size_t i = 0; i < both.size(); ++i) both[i] += first[i];
  double const measured = both[at];
  CHECK(w[at] == 0);
  run(*optimizer, &nn::Optimizer<double>::step, w, w, both, 0.01);
  CHECK(w[at] == doctest::Approx(0.1 * measured));

  double const unlike = chain.forward({-1, 0, row_count}, w) - chain.evaluate({w})[0].value;
  CHECK(std::abs(unlike) > 1e-3);  // one step is far from what the data is like
  for (int step = 0; step < 200; ++step) {
    auto gradient = chain.gradient({0, 0, row_count}, w);
    for (double& value : gradient) value *= 2;  // all rows in one microbatch, but M is 2
    run(*optimizer, &nn::Optimizer<double>::step, w, w, gradient, 1e-9);
  }
  CHECK(chain.evaluate({w})[0].value ==
        doctest::Approx(chain.forward({-1, 0, row_count}, w)).epsilon(0.2));
}
