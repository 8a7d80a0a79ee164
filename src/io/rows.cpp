#include "quartic/io/rows.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace quartic::io {

DataShape shape_of_rows(std::string const& where, std::vector<std::int64_t> const& dimensions) {
  std::size_t const rank = dimensions.size();
  if (rank != 2 && rank != 4) {
    usage_error(
        "{} has {} dimensions, not 2 or 4; valid: [rows, features], [rows, channels, height, "
        "width]",
        where, rank);
  }
  if (std::find(dimensions.begin(), dimensions.end(), 0) != dimensions.end())
    usage_error("{} is empty", where);
  DataShape shape{dimensions[0], dimensions[1], {}};
  if (rank == 4) {
    shape.image = {dimensions[1], dimensions[2], dimensions[3]};
    shape.features = dimensions[1] * dimensions[2] * dimensions[3];
  }
  return shape;
}

void check_target_shape(std::string const& where, std::vector<std::int64_t> const& dimensions,
                        std::int64_t rows) {
  std::size_t const rank = dimensions.size();
  bool const one_line = rank == 2 && (dimensions[0] == 1 || dimensions[1] == 1);
  if (rank != 1 && !one_line) {
    usage_error("{} has {} dimensions, not 1: {}; valid: [rows], [rows, 1], [1, rows]", where, rank,
                dimensions);
  }
  std::int64_t const count = rank == 1 ? dimensions[0] : dimensions[0] * dimensions[1];
  if (count != rows)
    usage_error("{} has {} targets, but there are {} rows of features", where, count, rows);
}

}  // namespace quartic::io
