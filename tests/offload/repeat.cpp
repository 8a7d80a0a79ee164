#include <doctest/doctest.h>
#include <omp.h>

#include <array>

#include "quartic/compute/attention.hpp"
#include "quartic/compute/convolution.hpp"
#include "quartic/compute/embedding.hpp"
#include "quartic/compute/gemm.hpp"
#include "quartic/compute/layer_norm.hpp"
#include "quartic/compute/loss.hpp"
#include "quartic/compute/reference.hpp"
#include "quartic/compute/update.hpp"
#include "quartic/compute/vector.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

namespace {

constexpr std::int64_t many = 200'003;   // more than the lanes of a sum
constexpr std::int64_t many_rows = 301;  // more than a block of rows
constexpr std::int64_t width = 65;

template <class T>
struct Inputs {
  std::vector<T> x = normals<T>(many), y = normals<T>(many);
  std::vector<T> token = std::vector<T>(many_rows);
  std::vector<std::int32_t> label = std::vector<std::int32_t>(many_rows);

  Inputs() {
    for (std::size_t i = 0; i < token.size(); ++i) token[i] = static_cast<T>(i * i % 7);
    for (std::size_t i = 0; i < label.size(); ++i) label[i] = static_cast<std::int32_t>(i % 65);
  }
  std::span<T const> of(std::vector<T> const& values, std::int64_t count) const {
    return std::span(values).first(static_cast<std::size_t>(count));
  }
};

// What kernels with sums make of the inputs, one number after the other.
template <class T>
std::vector<double> sums(Inputs<T> const& in) {
  std::vector<double> out;
  auto const keep = [&](std::vector<T> const& values) {
    out.insert(out.end(), values.begin(), values.end());
  };
  auto const x = in.of(in.x, many_rows * width);
  auto const y = in.of(in.y, many_rows * width);
  out.push_back(run(dot<T>, in.x, in.y));
  out.push_back(run(squared_distance<T>, in.x, in.y));
  auto w = in.x, gradient = in.y;
  out.push_back(run(sgd_update<T>, {0.1, 0.01}, w, w, gradient));
  keep(w);
  out.push_back(run(softmax_cross_entropy<T>, width, x, in.label, T(1), {}).value);
  std::vector<T> column(width), dweight(width), dbias(width), statistics(2 * many_rows);
  run(add_column_sums<T>, {x.data(), many_rows, width}, column);
  keep(column);
  auto normalised = std::vector<T>(x.size());
  run(layer_norm_forward<T>, x, in.of(in.x, width), in.of(in.y, width), normalised, statistics);
  run(layer_norm_backward_weight<T>, x, statistics, y, dweight, dbias);
  keep(normalised);
  keep(dweight);
  std::vector<T> tokens(7 * width), positions(43 * width), channel(5);
  run(embedding_backward<T>, 43, width, in.token, y, tokens, positions);
  keep(tokens);
  keep(positions);
  run(add_channel_sums<T>, 13, x.first(5 * 13 * 300), channel);
  keep(channel);
  auto scores = std::vector<T>(x.begin(), x.end());
  run(causal_softmax<T>, 0, T(0.3), {scores.data(), width, width});
  keep(scores);
  std::vector<T> product(many_rows * many_rows);
  run(gemm<T>, 1, {x.data(), many_rows, width},
      transposed(ConstMatrix<T>{y.data(), many_rows, width}), 0,
      {product.data(), many_rows, many_rows});
  keep(product);
  return out;
}

}  // namespace

TEST_CASE_TEMPLATE(
    "sums of many blocks of rows, and of more terms than lanes, equal the plain ones", T, float,
    double) {
  Inputs<T> const in;
  auto const x = in.of(in.x, many_rows * width);
  auto const y = in.of(in.y, many_rows * width);
  CHECK(run(dot<T>, in.x, in.y) == doctest::Approx(reference::dot<T>(in.x, in.y)).epsilon(1e-11));
  auto sum = normals<T>(width), expected = sum;
  run(add_column_sums<T>, {x.data(), many_rows, width}, sum);
  reference::add_column_sums<T>({x.data(), many_rows, width}, expected);
  CHECK(distance(sum, expected) < 10 * rounding<T>);
  auto const statistics = normals<T>(2 * many_rows);
  auto dweight = normals<T>(width), dbias = normals<T>(width);
  auto expected_dweight = dweight, expected_dbias = dbias;
  run(layer_norm_backward_weight<T>, x, statistics, y, dweight, dbias);
  reference::layer_norm_backward_weight<T>(x, statistics, y, expected_dweight, expected_dbias);
  CHECK(distance(dweight, expected_dweight) < 10 * rounding<T>);
  CHECK(distance(dbias, expected_dbias) < 10 * rounding<T>);
}

TEST_CASE_TEMPLATE("kernels give the same bits every time, however many threads stand in", T, float,
                   double) {
  Inputs<T> const inputs;
  omp_set_num_threads(1);
  auto const first = sums(inputs);
  for (int const threads : {1, 2, 5}) {
    omp_set_num_threads(threads);
    CHECK(sums(inputs) == first);
  }
  omp_set_num_threads(1);
}
