#include "quartic/core/row_order.hpp"

#include <numeric>
#include <utility>

#include "quartic/core/check.hpp"
#include "quartic/core/random.hpp"

namespace quartic {

RowOrder::RowOrder(std::uint64_t seed, std::int64_t rows)
    : seed_(seed), order_(static_cast<std::size_t>(rows)) {}

std::span<std::int64_t const> RowOrder::rows(std::int64_t epoch, std::int64_t first,
                                             std::int64_t count) {
  QUARTIC_ASSERT(epoch >= 0 && first >= 0 && first + count <= std::ssize(order_));
  if (epoch != epoch_) draw(epoch);
  return std::span<std::int64_t const>(order_).subspan(static_cast<std::size_t>(first),
                                                       static_cast<std::size_t>(count));
}

// Fisher and Yates, always from the order of the data: an epoch must not depend on the one before.
void RowOrder::draw(std::int64_t epoch) {
  std::iota(order_.begin(), order_.end(), std::int64_t{0});
  Stream stream(seed_, StreamName::shuffle, 0, static_cast<std::uint64_t>(epoch));
  for (std::size_t left = order_.size(); left > 1; --left) {
    std::swap(order_[left - 1], order_[stream.below(left)]);
  }
  epoch_ = epoch;
}

}  // namespace quartic
