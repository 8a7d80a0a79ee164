#include "quartic/nn/feature_matrix.hpp"

#include <utility>

#include "quartic/compute/gemm.hpp"
#include "quartic/compute/sparse.hpp"
#include "quartic/compute/vector.hpp"
#include "quartic/core/check.hpp"

namespace quartic::nn {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

template <class T>
compute::ConstMatrix<T> rows_of(DenseFeatures<T> const& x, std::int64_t first, std::int64_t rows) {
  QUARTIC_ASSERT(first + rows <= x.rows);
  return {x.values.data() + first * x.columns, rows, x.columns};
}

template <class T>
compute::CompressedRows<T> rows_of(SparseFeatures<T> const& x, std::int64_t first,
                                   std::int64_t rows) {
  QUARTIC_ASSERT(first + rows <= x.rows);
  return {rows, x.columns, x.row_begin.data() + first, x.column.data(), x.values.data()};
}

}  // namespace

template <class T>
FeatureMatrix<T>::FeatureMatrix(Features<T> features) : features_(std::move(features)) {}

template <class T>
void FeatureMatrix<T>::multiply_add(std::int64_t first_row, std::span<T const> w,
                                    std::span<T> z) const {
  std::visit(Overloaded{[&](DenseFeatures<T> const& x) {
                          compute::gemv<T>(1, rows_of(x, first_row, std::ssize(z)), w, 1, z);
                        },
                        [&](SparseFeatures<T> const& x) {
                          compute::spmv_add<T>(rows_of(x, first_row, std::ssize(z)), w, z);
                        }},
             features_);
}

template <class T>
void FeatureMatrix<T>::transposed_add(std::int64_t first_row, std::span<T const> r,
                                      std::span<T> g) const {
  std::visit(Overloaded{[&](DenseFeatures<T> const& x) {
                          auto const rows = rows_of(x, first_row, std::ssize(r));
                          compute::gemv<T>(1, transposed(rows), r, 1, g);
                        },
                        [&](SparseFeatures<T> const& x) {
                          auto const rows = rows_of(x, first_row, std::ssize(r));
                          compute::spmv_transposed_add<T>(rows, r, g);
                        }},
             features_);
}

template <class T>
void FeatureMatrix<T>::multiply_add_all(std::int64_t versions, std::span<T const> w,
                                        std::span<T> z) {
  std::int64_t const rows = std::ssize(z) / versions;
  std::visit(Overloaded{[&](DenseFeatures<T> const& x) {
                          compute::gemm<T>(1, {w.data(), versions, x.columns},
                                           transposed(rows_of(x, 0, rows)), 1,
                                           {z.data(), versions, rows});
                        },
                        [&](SparseFeatures<T> const& x) {
                          auto const lines = side_by_side(versions);
                          compute::transpose<T>({w.data(), versions, x.columns}, lines);
                          compute::spmm_add<T>(rows_of(x, 0, rows), versions, lines, z);
                        }},
             features_);
}

template <class T>
void FeatureMatrix<T>::gradients(std::int64_t versions, std::span<T const> r, std::span<T> g) {
  std::int64_t const rows = std::ssize(r) / versions;
  std::visit(Overloaded{[&](DenseFeatures<T> const& x) {
                          compute::gemm<T>(1, {r.data(), versions, rows}, rows_of(x, 0, rows), 0,
                                           {g.data(), versions, x.columns});
                        },
                        [&](SparseFeatures<T> const& x) {
                          auto const lines = side_by_side(versions);
                          compute::fill<T>(0, lines);
                          compute::spmm_transposed_add<T>(rows_of(x, 0, rows), versions, r, lines);
                          compute::transpose<T>({lines.data(), x.columns, versions}, g);
                        }},
             features_);
}

template <class T>
std::span<T> FeatureMatrix<T>::side_by_side(std::int64_t versions) {
  auto const size = static_cast<std::size_t>(versions * columns());
  if (side_by_side_.size() < size) side_by_side_.resize(size);
  return std::span<T>(side_by_side_).first(size);
}

template class FeatureMatrix<float>;
template class FeatureMatrix<double>;

}  // namespace quartic::nn
