#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "quartic/core/row_order.hpp"

using quartic::RowOrder;

namespace {

std::vector<std::int64_t> epoch_of(RowOrder& order, std::int64_t epoch, std::int64_t rows) {
  auto const view = order.rows(epoch, 0, rows);
  return {view.begin(), view.end()};
}

}  // namespace

TEST_CASE("an epoch has every row once, in an order of its own") {
  RowOrder order(7, 100);
  std::vector<std::vector<std::int64_t>> epochs;
  std::vector<std::int64_t> all(100);
  std::iota(all.begin(), all.end(), 0);
  epochs.push_back(all);
  for (std::int64_t epoch = 0; epoch < 5; ++epoch) {
    epochs.push_back(epoch_of(order, epoch, 100));
    auto sorted = epochs.back();
    std::sort(sorted.begin(), sorted.end());
    CHECK(sorted == all);
  }
  std::sort(epochs.begin(), epochs.end());
  CHECK(std::adjacent_find(epochs.begin(), epochs.end()) == epochs.end());
}

TEST_CASE("an epoch's order depends on the seed and the epoch, not on those asked for before") {
  RowOrder order(7, 50);
  auto const third = epoch_of(order, 3, 50);
  auto const first = epoch_of(order, 1, 50);
  CHECK(epoch_of(order, 3, 50) == third);
  CHECK(epoch_of(order, 1, 50) == first);
  RowOrder same(7, 50);
  CHECK(epoch_of(same, 1, 50) == first);
  RowOrder other(8, 50);
  CHECK(epoch_of(other, 1, 50) != first);
}

TEST_CASE("some places of an epoch are a part of its order") {
  RowOrder order(1, 20);
  auto const all = epoch_of(order, 2, 20);
  auto const some = order.rows(2, 5, 7);
  CHECK(std::equal(some.begin(), some.end(), all.begin() + 5, all.begin() + 12));
  CHECK(order.rows(2, 20, 0).empty());
  RowOrder one(1, 1);
  CHECK(epoch_of(one, 9, 1) == std::vector<std::int64_t>{0});
}

TEST_CASE("every row comes first about equally often") {
  constexpr int rows = 8;
  constexpr int epochs = 8000;
  RowOrder order(3, rows);
  std::vector<int> first(rows);
  std::vector<int> last(rows);
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    ++first[static_cast<std::size_t>(order.rows(epoch, 0, 1)[0])];
    ++last[static_cast<std::size_t>(order.rows(epoch, rows - 1, 1)[0])];
  }
  for (int const count : first) CHECK(std::abs(count - epochs / rows) < 150);  // five deviations
  for (int const count : last) CHECK(std::abs(count - epochs / rows) < 150);
}
