#include <algorithm>
#include <cmath>
#include <map>

#include "io_files.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/data.hpp"

using namespace quartic;
using io::DataSource;
using io::GeneratedSize;
using io::Targets;
using test::contains;
using test::message_of;

namespace {

std::vector<double> values(Dataset<double> const& data) {
  return std::get<DenseFeatures<double>>(data.features).values;
}

std::string refusal(std::string const& name, Targets targets, GeneratedSize size = {}) {
  return message_of<UsageError>([&] { DataSource("generate:" + name, targets, size); });
}

double mean(std::vector<double> const& all) {
  double sum = 0;
  for (double const value : all) sum += value;
  return sum / static_cast<double>(all.size());
}

}  // namespace

TEST_CASE("generated data has the sizes asked for, and defaults") {
  CHECK(DataSource("generate:quadratic", Targets::real).shape().rows == 4096);
  CHECK(DataSource("generate:quadratic", Targets::real).shape().features == 64);
  DataSource const source("generate:images", Targets::classes, {50, 0, 7});
  CHECK(source.shape().rows == 50);
  CHECK(source.shape().features == 784);
  CHECK(source.classes() == 7);
  CHECK(source.shape().checksum == "generate:images rows=50 features=784 classes=7");
  CHECK(source.load<float>({0, 784}).targets.size() == 50);
  CHECK((source.shape().image.channels == 1 && source.shape().image.height == 28));
  CHECK(DataSource("generate:images", Targets::classes, {5, 31}).shape().image.channels == 0);
}

TEST_CASE("a column of generated data is the same in every part") {
  for (std::string const name : {"quadratic", "logistic", "images"}) {
    CAPTURE(name);
    DataSource const source("generate:" + name, Targets::real, {20, 30, 5});
    auto const all = source.load<double>({0, 30});
    for (Part const part : {Part{0, 7}, Part{7, 16}, Part{29, 1}}) {
      auto const some = source.load<double>(part);
      CHECK(values(some) ==
            std::get<DenseFeatures<double>>(slice_columns(all.features, part)).values);
      CHECK(some.targets == all.targets);
    }
  }
}

TEST_CASE("the quadratic has a solution with residual zero, and normal features") {
  std::int64_t const rows = 40;
  DataSource const source("generate:quadratic", Targets::real, {rows, 2});
  auto const data = source.load<double>({0, 2});
  auto const x = values(data);
  // Two rows determine w*; it has to explain all the others.
  double const determinant = x[0] * x[3] - x[1] * x[2];
  double const w0 = (data.targets[0] * x[3] - data.targets[1] * x[1]) / determinant;
  double const w1 = (x[0] * data.targets[1] - x[2] * data.targets[0]) / determinant;
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    CHECK(x[2 * row] * w0 + x[2 * row + 1] * w1 == doctest::Approx(data.targets[row]));
  }
  auto many =
      values(DataSource("generate:quadratic", Targets::real, {2000, 8}).load<double>({0, 8}));
  CHECK(std::abs(mean(many)) < 0.05);
  for (double& value : many) value *= value;
  CHECK(mean(many) == doctest::Approx(1).epsilon(0.05));
}

TEST_CASE("logistic labels are 0 and 1, and both occur") {
  DataSource const source("generate:logistic", Targets::binary, {400, 4});
  CHECK(source.classes() == 2);
  auto const targets = source.load<double>({0, 4}).targets;
  auto const ones = std::count(targets.begin(), targets.end(), 1.0);
  CHECK(ones + std::count(targets.begin(), targets.end(), 0.0) == 400);
  CHECK(ones > 100);
  CHECK(ones < 300);
}

TEST_CASE("images of a class are alike: the nearest mean picture tells most of them") {
  DataSource const source("generate:images", Targets::classes, {600, 784, 10});
  auto const data = source.load<double>({0, 784});
  auto const x = values(data);
  CHECK(*std::min_element(x.begin(), x.end()) >= 0);
  CHECK(*std::max_element(x.begin(), x.end()) <= 1);
  std::vector<std::vector<double>> means(10, std::vector<double>(784));
  std::vector<double> counts(10);
  for (std::size_t row = 0; row < 400; ++row) {
    auto const label = static_cast<std::size_t>(data.targets[row]);
    counts[label] += 1;
    for (std::size_t i = 0; i < 784; ++i) means[label][i] += x[row * 784 + i];
  }
  int right = 0;
  for (std::size_t row = 400; row < 600; ++row) {
    std::map<double, std::size_t> distance;
    for (std::size_t label = 0; label < 10; ++label) {
      REQUIRE(counts[label] > 0);
      double sum = 0;
      for (std::size_t i = 0; i < 784; ++i) {
        sum += std::pow(x[row * 784 + i] - means[label][i] / counts[label], 2);
      }
      distance[sum] = label;
    }
    right += distance.begin()->second == static_cast<std::size_t>(data.targets[row]) ? 1 : 0;
  }
  CHECK(right > 180);
}

TEST_CASE("sizes and meanings that a generator has not are refused") {
  contains(refusal("nothing", Targets::real),
           "generate:quadratic, generate:logistic, generate:images");
  contains(refusal("quadratic", Targets::classes), "classes");
  contains(refusal("quadratic", Targets::binary), "logistic");
  contains(refusal("images", Targets::binary), "--classes 2");
  contains(refusal("quadratic", Targets::real, {0, 64}), "--rows 0");
  contains(refusal("quadratic", Targets::real, {10, -1}), "--features -1");
  contains(refusal("images", Targets::classes, {10, 64, 1}), "--classes 1");
  contains(refusal("quadratic", Targets::real, {std::int64_t{1} << 60, 1024}), "exceed the limit");
}
