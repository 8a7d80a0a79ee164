#include "quartic/nn/data_rows.hpp"

#include <utility>

#include "quartic/compute/vector.hpp"

namespace quartic::nn {

template <class T>
DataRows<T>::DataRows(DenseFeatures<T> features, std::optional<RowOrder> order,
                      std::optional<Augmentation> augmentation)
    : columns_(features.columns), order_(std::move(order)), augmentation_(augmentation) {
  if (augmentation_) {
    host_values_ = std::move(features.values);
  } else {
    values_ = compute::buffer_of<T>(features.values);
  }
}

template <class T>
std::int64_t DataRows<T>::row_at(Batch batch, std::int64_t index) {
  std::int64_t const place = batch.first_row + index;
  return order_ ? order_->rows(batch.epoch, place, 1)[0] : place;
}

template <class T>
void DataRows<T>::gather(Batch batch, std::span<T> to) {
  if (!augmentation_) {
    for (std::int64_t i = 0; i < batch.rows; ++i) {
      compute::copy<T>(part(std::as_const(values_).view(), row_at(batch, i), 1), part(to, i, 1));
    }
    return;
  }
  compute::write_by_host(to, changed_, [&](std::span<T> changed) {
    for (std::int64_t i = 0; i < batch.rows; ++i) {
      std::int64_t const row = row_at(batch, i);
      augmentation_->copy(batch.epoch, row, part(std::span<T const>(host_values_), row, 1),
                          part(changed, i, 1));
    }
  });
}

template <class T>
std::span<T const> DataRows<T>::rows(std::int64_t first_row, std::int64_t rows) {
  if (!augmentation_) return part(std::as_const(values_).view(), first_row, rows);
  return compute::lend(part(std::span<T const>(host_values_), first_row, rows), lent_);
}

template class DataRows<float>;
template class DataRows<double>;

}  // namespace quartic::nn
