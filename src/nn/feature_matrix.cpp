#include "quartic/nn/feature_matrix.hpp"

#include "quartic/compute/gemm.hpp"
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

}  // namespace

template <class T>
FeatureMatrix<T>::Dense::Dense(DenseFeatures<T> const& x)
    : columns(x.columns), values(compute::buffer_of<T>(x.values)) {}

template <class T>
compute::ConstMatrix<T> FeatureMatrix<T>::Dense::rows(std::int64_t first,
                                                      std::int64_t count) const {
  QUARTIC_ASSERT((first + count) * columns <= values.size());
  return {values.view().data() + first * columns, count, columns};
}

template <class T>
FeatureMatrix<T>::Sparse::Sparse(SparseFeatures<T> const& x)
    : columns(x.columns),
      row_begin(compute::buffer_of<std::int64_t>(x.row_begin)),
      column(compute::buffer_of<std::int32_t>(x.column)),
      values(compute::buffer_of<T>(x.values)) {}

template <class T>
compute::CompressedRows<T> FeatureMatrix<T>::Sparse::rows(std::int64_t first,
                                                          std::int64_t count) const {
  QUARTIC_ASSERT(first + count < row_begin.size());
  return {count, columns, row_begin.view().data() + first, column.view().data(),
          values.view().data()};
}

template <class T>
FeatureMatrix<T>::FeatureMatrix(Features<T> const& features)
    : columns_(quartic::columns(features)),
      features_(std::visit(
          Overloaded{
              [](DenseFeatures<T> const& x) { return std::variant<Dense, Sparse>(Dense(x)); },
              [](SparseFeatures<T> const& x) { return std::variant<Dense, Sparse>(Sparse(x)); }},
          features)) {}

template <class T>
void FeatureMatrix<T>::multiply_add(std::int64_t first_row, std::span<T const> w,
                                    std::span<T> z) const {
  std::visit(
      Overloaded{
          [&](Dense const& x) { compute::gemv<T>(1, x.rows(first_row, std::ssize(z)), w, 1, z); },
          [&](Sparse const& x) { compute::spmv_add<T>(x.rows(first_row, std::ssize(z)), w, z); }},
      features_);
}

template <class T>
void FeatureMatrix<T>::transposed_add(std::int64_t first_row, std::span<T const> r,
                                      std::span<T> g) const {
  std::visit(Overloaded{[&](Dense const& x) {
                          auto const rows = x.rows(first_row, std::ssize(r));
                          compute::gemv<T>(1, transposed(rows), r, 1, g);
                        },
                        [&](Sparse const& x) {
                          auto const rows = x.rows(first_row, std::ssize(r));
                          compute::spmv_transposed_add<T>(rows, r, g);
                        }},
             features_);
}

template <class T>
void FeatureMatrix<T>::multiply_add_all(std::int64_t versions, std::span<T const> w,
                                        std::span<T> z) {
  std::int64_t const rows = std::ssize(z) / versions;
  std::visit(Overloaded{[&](Dense const& x) {
                          compute::gemm<T>(1, {w.data(), versions, x.columns},
                                           transposed(x.rows(0, rows)), 1,
                                           {z.data(), versions, rows});
                        },
                        [&](Sparse const& x) {
                          auto const lines = side_by_side(versions);
                          compute::transpose<T>({w.data(), versions, x.columns}, lines);
                          compute::spmm_add<T>(x.rows(0, rows), versions, lines, z);
                        }},
             features_);
}

template <class T>
void FeatureMatrix<T>::gradients(std::int64_t versions, std::span<T const> r, std::span<T> g) {
  std::int64_t const rows = std::ssize(r) / versions;
  std::visit(Overloaded{[&](Dense const& x) {
                          compute::gemm<T>(1, {r.data(), versions, rows}, x.rows(0, rows), 0,
                                           {g.data(), versions, x.columns});
                        },
                        [&](Sparse const& x) {
                          auto const lines = side_by_side(versions);
                          compute::fill<T>(0, lines);
                          compute::spmm_transposed_add<T>(x.rows(0, rows), versions, r, lines);
                          compute::transpose<T>({lines.data(), x.columns, versions}, g);
                        }},
             features_);
}

template class FeatureMatrix<float>;
template class FeatureMatrix<double>;

}  // namespace quartic::nn
