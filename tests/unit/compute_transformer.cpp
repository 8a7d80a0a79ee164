#include <doctest/doctest.h>

#include "quartic/compute/attention.hpp"
#include "quartic/compute/embedding.hpp"
#include "quartic/compute/layer_norm.hpp"
#include "quartic/compute/reference.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

TEST_CASE_TEMPLATE("layer normalisation equals its plain form", T, float, double) {
  for (std::int64_t const width : {1, 5, 32, 77}) {
    std::int64_t const rows = 7;
    auto const x = normals<T>(rows * width);
    auto const dy = normals<T>(rows * width);
    auto const weight = normals<T>(width);
    auto const bias = normals<T>(width);
    auto y = poison<T>(rows * width);
    auto statistics = poison<T>(2 * rows);
    auto y_expected = y;
    auto statistics_expected = statistics;
    run(layer_norm_forward<T>, x, weight, bias, y, statistics);
    reference::layer_norm_forward<T>(x, weight, bias, y_expected, statistics_expected);
    CHECK(distance(y, y_expected) < rounding<T>);
    CHECK(distance(statistics, statistics_expected) < rounding<T>);

    auto dx = poison<T>(rows * width);
    auto dx_expected = dx;
    run(layer_norm_backward_input<T>, x, weight, statistics, dy, dx);
    reference::layer_norm_backward_input<T>(x, weight, statistics, dy, dx_expected);
    CHECK(distance(dx, dx_expected) < rounding<T>);

    auto dweight = normals<T>(width);
    auto dbias = normals<T>(width);
    auto dweight_expected = dweight;
    auto dbias_expected = dbias;
    run(layer_norm_backward_weight<T>, x, statistics, dy, dweight, dbias);
    reference::layer_norm_backward_weight<T>(x, statistics, dy, dweight_expected, dbias_expected);
    CHECK(distance(dweight, dweight_expected) < rounding<T>);
    CHECK(distance(dbias, dbias_expected) < rounding<T>);
  }
}

// A block of queries somewhere inside a sequence, in a matrix with a longer stride.
TEST_CASE_TEMPLATE("the causal softmax and its gradient equal their plain forms", T, float,
                   double) {
  for (std::int64_t const first_query : {0, 3, 40}) {
    std::int64_t const queries = 9;
    std::int64_t const keys = first_query + queries + 2;
    std::int64_t const stride = keys + 3;
    auto scores = normals<T>(queries * stride);
    for (T& score : scores) score *= 10;
    auto expected = scores;
    run(causal_softmax<T>, first_query, T(0.3), {scores.data(), queries, keys, stride});
    reference::causal_softmax<T>(first_query, T(0.3), {expected.data(), queries, keys, stride});
    CHECK(distance(scores, expected) < rounding<T>);
    CHECK(scores[static_cast<std::size_t>(first_query + 1)] == 0);

    auto gradient = normals<T>(queries * stride);
    auto gradient_expected = gradient;
    ConstMatrix<T> const p(scores.data(), queries, keys, stride);
    run(causal_softmax_backward<T>, first_query, T(0.3), p,
        {gradient.data(), queries, keys, stride});
    reference::causal_softmax_backward<T>(first_query, T(0.3), p,
                                          {gradient_expected.data(), queries, keys, stride});
    CHECK(distance(gradient, gradient_expected) < rounding<T>);
  }
}

TEST_CASE_TEMPLATE("a causal softmax of large scores does not overflow", T, float, double) {
  std::vector<T> scores{T(1e4), T(-1e4), T(3), T(1e4)};
  run(causal_softmax<T>, 0, T(1), {scores.data(), 2, 2});
  CHECK(scores == std::vector<T>{1, 0, 0, 1});
}

TEST_CASE_TEMPLATE("embeddings equal their plain forms", T, float, double) {
  std::vector<T> const id{3, 0, 3, 1, 1, 4};
  auto const tokens = normals<T>(5 * 7);
  auto const positions = normals<T>(4 * 7);
  auto y = poison<T>(6 * 7);
  auto expected = y;
  run(embedding_forward<T>, 3, 7, id, tokens, positions, y);
  reference::embedding_forward<T>(3, 7, id, tokens, positions, expected);
  CHECK(y == expected);

  auto const dy = normals<T>(6 * 7);
  auto dtokens = normals<T>(5 * 7);
  auto dpositions = normals<T>(4 * 7);
  auto dtokens_expected = dtokens;
  auto dpositions_expected = dpositions;
  run(embedding_backward<T>, 3, 7, id, dy, dtokens, dpositions);
  reference::embedding_backward<T>(3, 7, id, dy, dtokens_expected, dpositions_expected);
  CHECK(dtokens == dtokens_expected);
  CHECK(dpositions == dpositions_expected);
}
