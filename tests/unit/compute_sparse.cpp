#include <doctest/doctest.h>

#include "quartic/compute/reference.hpp"
#include "quartic/compute/sparse.hpp"
#include "unit/compute_run.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;
using namespace quartic::samples;

namespace {

template <class T>
CompressedRows<T> view(SparseFeatures<T> const& x, std::int64_t first, std::int64_t rows) {
  return {rows, x.columns, x.row_begin.data() + first, x.column.data(), x.values.data()};
}

template <class T, class Fast, class Plain>
void compare(std::int64_t x_size, std::int64_t y_size, Fast fast, Plain plain) {
  auto const x = normals<T>(x_size);
  auto y = normals<T>(y_size);
  auto expected = y;
  fast(std::span<T const>(x), std::span<T>(y));
  plain(std::span<T const>(x), std::span<T>(expected));
  CHECK(distance(y, expected) < 10 * rounding<T>);
}

}  // namespace

TEST_CASE_TEMPLATE("sparse products equal the plain ones, on any rows", T, float, double) {
  auto const x = sparse<T>(37, 23);
  for (std::int64_t const first : {0, 4, 36}) {
    auto const a = view(x, first, 37 - first);
    compare<T>(
        a.columns, a.rows, [&](auto in, auto out) { run(spmv_add<T>, a, in, out); },
        [&](auto in, auto out) { reference::spmv_add<T>(a, in, out); });
    compare<T>(
        a.rows, a.columns, [&](auto in, auto out) { run(spmv_transposed_add<T>, a, in, out); },
        [&](auto in, auto out) { reference::spmv_transposed_add<T>(a, in, out); });
  }
}

TEST_CASE_TEMPLATE("sparse products with several vectors equal the plain ones", T, float, double) {
  auto const x = sparse<T>(29, 31);
  auto const a = view(x, 2, 27);
  for (std::int64_t const vectors : {1, 3, 15, 16, 17, 32, 45}) {
    compare<T>(
        a.columns * vectors, a.rows * vectors,
        [&](auto in, auto out) { run(spmm_add<T>, a, vectors, in, out); },
        [&](auto in, auto out) { reference::spmm_add<T>(a, vectors, in, out); });
    compare<T>(
        a.rows * vectors, a.columns * vectors,
        [&](auto in, auto out) { run(spmm_transposed_add<T>, a, vectors, in, out); },
        [&](auto in, auto out) { reference::spmm_transposed_add<T>(a, vectors, in, out); });
  }
}
