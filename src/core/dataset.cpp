#include "quartic/core/dataset.hpp"

#include <algorithm>
#include <type_traits>

#include "quartic/core/check.hpp"

namespace quartic {
namespace {

template <class T>
DenseFeatures<T> slice(DenseFeatures<T> const& all, Part part) {
  DenseFeatures<T> block{all.rows, part.size, {}};
  block.values.reserve(static_cast<std::size_t>(all.rows * part.size));
  for (std::int64_t row = 0; row < all.rows; ++row) {
    auto const begin = all.values.begin() + row * all.columns + part.first;
    block.values.insert(block.values.end(), begin, begin + part.size);
  }
  return block;
}

template <class T>
SparseFeatures<T> slice(SparseFeatures<T> const& all, Part part) {
  SparseFeatures<T> block{all.rows, part.size, {0}, {}, {}};
  block.row_begin.reserve(static_cast<std::size_t>(all.rows) + 1);
  for (std::size_t row = 0; row < static_cast<std::size_t>(all.rows); ++row) {
    auto const begin = all.column.begin() + all.row_begin[row];
    auto const end = all.column.begin() + all.row_begin[row + 1];
    auto const first = std::lower_bound(begin, end, part.first);
    auto const last = std::lower_bound(first, end, part.first + part.size);
    for (auto entry = first; entry != last; ++entry) {
      block.column.push_back(static_cast<std::int32_t>(*entry - part.first));
      block.values.push_back(all.values[static_cast<std::size_t>(entry - all.column.begin())]);
    }
    block.row_begin.push_back(static_cast<std::int64_t>(block.column.size()));
  }
  return block;
}

template <class T>
void append(DenseFeatures<T>& all, DenseFeatures<T> const& more) {
  all.rows += more.rows;
  all.values.insert(all.values.end(), more.values.begin(), more.values.end());
}

template <class T>
void append(SparseFeatures<T>& all, SparseFeatures<T> const& more) {
  std::int64_t const entries = std::ssize(all.values);
  all.rows += more.rows;
  for (std::size_t row = 1; row < more.row_begin.size(); ++row) {
    all.row_begin.push_back(entries + more.row_begin[row]);
  }
  all.column.insert(all.column.end(), more.column.begin(), more.column.end());
  all.values.insert(all.values.end(), more.values.begin(), more.values.end());
}

}  // namespace

template <class T>
void append_rows(Dataset<T>& data, Dataset<T> const& more) {
  QUARTIC_ASSERT(columns(data.features) == columns(more.features));
  std::visit([&](auto& all) { append(all, std::get<std::decay_t<decltype(all)>>(more.features)); },
             data.features);
  data.targets.insert(data.targets.end(), more.targets.begin(), more.targets.end());
}

template <class T>
Features<T> slice_columns(Features<T> const& features, Part part) {
  return std::visit([part](auto const& all) -> Features<T> { return slice(all, part); }, features);
}

template void append_rows(Dataset<float>&, Dataset<float> const&);
template void append_rows(Dataset<double>&, Dataset<double> const&);
template Features<float> slice_columns(Features<float> const&, Part);
template Features<double> slice_columns(Features<double> const&, Part);

}  // namespace quartic
