#include <doctest/doctest.h>

#include <vector>

#include "quartic/core/dataset.hpp"

using namespace quartic;

namespace {

/// Row by row 0 1 2 / 10 0 12 / 20 21 22 / 0 0 0: dense, and sparse without its zeros.
DenseFeatures<double> const dense{4, 3, {0, 1, 2, 10, 0, 12, 20, 21, 22, 0, 0, 0}};
SparseFeatures<double> const sparse{
    4, 3, {0, 2, 4, 7, 7}, {1, 2, 0, 2, 0, 1, 2}, {1, 2, 10, 12, 20, 21, 22}};

std::vector<double> spread(SparseFeatures<double> const& features) {
  std::vector<double> values(static_cast<std::size_t>(features.rows * features.columns));
  for (std::int64_t row = 0; row < features.rows; ++row) {
    for (std::int64_t i = features.row_begin[static_cast<std::size_t>(row)];
         i < features.row_begin[static_cast<std::size_t>(row) + 1]; ++i) {
      auto const entry = static_cast<std::size_t>(i);
      values[static_cast<std::size_t>(row * features.columns + features.column[entry])] =
          features.values[entry];
    }
  }
  return values;
}

}  // namespace

TEST_CASE("dense and sparse slices hold the same numbers, for every range of columns") {
  for (std::int64_t first = 0; first <= 3; ++first) {
    for (std::int64_t size = 0; first + size <= 3; ++size) {
      CAPTURE(first);
      CAPTURE(size);
      auto const cut_dense = slice_columns(Features<double>(dense), {first, size});
      auto const cut_sparse = slice_columns(Features<double>(sparse), {first, size});
      CHECK(rows(cut_dense) == 4);
      CHECK(columns(cut_dense) == size);
      CHECK(rows(cut_sparse) == 4);
      CHECK(columns(cut_sparse) == size);
      CHECK(spread(std::get<SparseFeatures<double>>(cut_sparse)) ==
            std::get<DenseFeatures<double>>(cut_dense).values);
    }
  }
}

TEST_CASE("a slice's columns are counted from its own first column") {
  auto const cut = std::get<DenseFeatures<double>>(slice_columns(Features<double>(dense), {1, 2}));
  CHECK(cut.values == std::vector<double>{1, 2, 0, 12, 21, 22, 0, 0});
  auto const thin =
      std::get<SparseFeatures<double>>(slice_columns(Features<double>(sparse), {1, 2}));
  CHECK(thin.column == std::vector<std::int32_t>{0, 1, 1, 0, 1});
  CHECK(thin.row_begin == std::vector<std::int64_t>{0, 2, 3, 5, 5});
}

TEST_CASE("slices of single precision keep every bit") {
  DenseFeatures<float> const tenths{1, 3, {0.1F, 0.2F, 0.3F}};
  auto const cut = std::get<DenseFeatures<float>>(slice_columns(Features<float>(tenths), {1, 1}));
  CHECK(cut.values == std::vector<float>{0.2F});
}
