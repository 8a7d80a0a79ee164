#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/core/dataset.hpp"
#include "quartic/core/row_order.hpp"
#include "quartic/nn/augmentation.hpp"
#include "quartic/nn/block.hpp"

namespace quartic::nn {

/// The rows of data that the first stage of a network reads: in the epoch's order, where there is
/// one, and changed, where that is asked for. What it gives lies where the process computes. T is
/// float or double.
template <class T>
class DataRows {
 public:
  DataRows(DenseFeatures<T> features, std::optional<RowOrder> order,
           std::optional<Augmentation> augmentation);

  /// Whether a training pass has to gather its rows: they do not lie in the data as it reads them.
  bool gathers() const { return order_ || augmentation_; }
  std::int64_t elements(std::int64_t rows) const { return rows * columns_; }
  /// to [batch.rows, columns] = the rows of a training pass.
  void gather(Batch batch, std::span<T> to);
  /// Rows as they lie in the data; valid until the next call.
  std::span<T const> rows(std::int64_t first_row, std::int64_t rows);

 private:
  std::int64_t row_at(Batch batch, std::int64_t index);
  template <class U>
  std::span<U> part(std::span<U> whole, std::int64_t first_row, std::int64_t rows) const {
    return whole.subspan(static_cast<std::size_t>(elements(first_row)),
                         static_cast<std::size_t>(elements(rows)));
  }

  std::int64_t columns_;
  std::optional<RowOrder> order_;
  std::optional<Augmentation> augmentation_;
  compute::Buffer<T> values_;
  // Data stays on the host where it is augmented, which the host does.
  std::vector<T> host_values_;
  std::vector<T> changed_;   // the rows of a pass, on their way
  compute::Buffer<T> lent_;  // rows as they lie in the data
};

}  // namespace quartic::nn
