#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/io/h5.hpp"

/// Datasets of numbers in files that users bring: everything wrong with them is a UsageError, which
/// ends with `valid`, the words that say what a valid file holds.
namespace quartic::io::h5 {

/// Runs a step; a file that HDF5 cannot read is a wrong file there, not a broken promise.
template <class Action>
auto reading(Action&& action) {
  try {
    return action();
  } catch (Failure const& error) {
    throw UsageError(error.what());
  }
}

enum class Numbers { any, integers };

/// The dataset `name` of the root group, which must hold such numbers.
Handle open_numbers(File const& file, std::string const& name, Numbers numbers,
                    std::string const& valid);

/// The lengths of a dataset's dimensions; UsageError when there are not `rank` of them.
std::vector<hsize_t> dimensions(File const& file, std::string const& name, hid_t dataset,
                                std::size_t rank, std::string const& valid);

template <std::size_t rank>
std::array<hsize_t, rank> shape_of(File const& file, std::string const& name, hid_t dataset,
                                   std::string const& valid) {
  std::array<hsize_t, rank> shape{};
  auto const found = dimensions(file, name, dataset, rank, valid);
  std::copy(found.begin(), found.end(), shape.begin());
  return shape;
}

/// UsageError for a dataset that is empty, or announces more numbers than its file can hold.
void check_size(File const& file, std::string const& name, hsize_t rows, hsize_t columns);

}  // namespace quartic::io::h5
