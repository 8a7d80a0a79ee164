#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace quartic {

/// The order in which an epoch reads the rows of the data: a permutation that depends on the seed
/// and the epoch alone, so it is the same wherever it is computed.
class RowOrder {
 public:
  RowOrder(std::uint64_t seed, std::int64_t rows);

  /// The rows at the places [first, first + count) of an epoch, until the next call. Costs a pass
  /// over all rows when the epoch is another one than before, and allocates nothing.
  std::span<std::int64_t const> rows(std::int64_t epoch, std::int64_t first, std::int64_t count);

 private:
  void draw(std::int64_t epoch);

  std::uint64_t seed_;
  std::vector<std::int64_t> order_;
  std::int64_t epoch_ = -1;
};

}  // namespace quartic
