#include <algorithm>
#include <array>
#include <cmath>

#include "quartic/core/check.hpp"
#include "quartic/io/h5_isolated.hpp"
#include "quartic/io/h5_numbers.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

constexpr char const* valid = "valid is /X [rows, features] and /y [rows], integers or floats";

template <class T>
hid_t memory_type() {
  return sizeof(T) == sizeof(float) ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

/// Rows [first, first + count) of the columns.
template <class T>
std::vector<T> read_block(std::string const& path, Part columns, std::int64_t first_row,
                          std::int64_t rows) {
  h5::File const file = h5::File::open(path, H5F_ACC_RDONLY);
  h5::Handle const dataset = h5::open_numbers(file, "X", h5::Numbers::any, valid);
  h5::Handle const space = file.own(H5Dget_space(dataset.id()), H5Sclose, "H5Dget_space");
  std::array<hsize_t, 2> const first{static_cast<hsize_t>(first_row),
                                     static_cast<hsize_t>(columns.first)};
  std::array<hsize_t, 2> const count{static_cast<hsize_t>(rows),
                                     static_cast<hsize_t>(columns.size)};
  std::vector<T> values(static_cast<std::size_t>(count[0] * count[1]));
  file.check(
      H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr),
      "H5Sselect_hyperslab");
  h5::Handle const target =
      file.own(H5Screate_simple(2, count.data(), nullptr), H5Sclose, "H5Screate_simple");
  file.check(
      H5Dread(dataset.id(), memory_type<T>(), target.id(), space.id(), H5P_DEFAULT, values.data()),
      "H5Dread");
  return values;
}

/// In blocks, so that what comes from another process is not in memory twice.
template <class T>
std::vector<T> read_columns(std::string const& path, Part columns, std::int64_t rows) {
  constexpr std::int64_t block_bytes = std::int64_t{64} << 20;
  std::vector<T> values;
  if (columns.size == 0) return values;
  auto const row_bytes = columns.size * static_cast<std::int64_t>(sizeof(T));
  std::int64_t const most = std::max<std::int64_t>(1, block_bytes / row_bytes);
  values.reserve(static_cast<std::size_t>(rows * columns.size));
  for (std::int64_t first = 0; first < rows; first += most) {
    std::int64_t const count = std::min(most, rows - first);
    auto const block =
        h5::isolated(path, [&] { return read_block<T>(path, columns, first, count); });
    values.insert(values.end(), block.begin(), block.end());
  }
  return values;
}

class Hdf5Reader final : public TypedReader<Hdf5Reader> {
 public:
  Hdf5Reader(std::string path, std::string checksum, Targets meaning) : path_(std::move(path)) {
    std::vector<std::int64_t> const shape = h5::isolated(path_, [&] { return read_shape(); });
    shape_ = {shape[0], shape[1], std::move(checksum)};
    targets_ = h5::isolated(path_, [&] { return read_targets(); });
    classes_ = check_targets(targets_, meaning, [this](std::size_t row) {
      return fmt::format("{}: /y row {}, counted from 0", path_, row);
    });
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    QUARTIC_ASSERT(columns.first + columns.size <= shape_.features);
    return h5::reading([&]() -> Dataset<T> {
      DenseFeatures<T> features{shape_.rows, columns.size,
                                read_columns<T>(path_, columns, shape_.rows)};
      check_finite(features, columns.first);
      return {std::move(features), to_precision<T>(targets_)};
    });
  }

 private:
  /// Rows and columns.
  std::vector<std::int64_t> read_shape() const {
    h5::File const file = h5::File::open(path_, H5F_ACC_RDONLY);
    h5::Handle const features = h5::open_numbers(file, "X", h5::Numbers::any, valid);
    auto const [rows, columns] = h5::shape_of<2>(file, "X", features.id(), valid);
    h5::check_size(file, "X", rows, columns);
    return {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns)};
  }

  std::vector<double> read_targets() const {
    h5::File const file = h5::File::open(path_, H5F_ACC_RDONLY);
    h5::Handle const dataset = h5::open_numbers(file, "y", h5::Numbers::any, valid);
    auto const [length] = h5::shape_of<1>(file, "y", dataset.id(), valid);
    if (length != static_cast<hsize_t>(shape_.rows)) {
      usage_error("{}: /y has {} rows and /X has {}; {}", path_, length, shape_.rows, valid);
    }
    std::vector<double> targets(length);
    file.check(
        H5Dread(dataset.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, targets.data()),
        "H5Dread");
    return targets;
  }

  template <class T>
  void check_finite(DenseFeatures<T> const& features, std::int64_t first) const {
    for (std::size_t at = 0; at < features.values.size(); ++at) {
      if (std::isfinite(features.values[at])) continue;
      auto const place = static_cast<std::int64_t>(at);
      usage_error(
          "{}: /X row {}, column {}, counted from 0, is {} as {}; valid is any finite number",
          path_, place / features.columns, first + place % features.columns, features.values[at],
          sizeof(T) == sizeof(float) ? "float" : "double");
    }
  }

  std::string path_;
  std::vector<double> targets_;
};

}  // namespace

std::unique_ptr<Reader> open_hdf5(std::string const& path, std::string checksum, Targets targets) {
  return h5::reading(
      [&] { return std::make_unique<Hdf5Reader>(path, std::move(checksum), targets); });
}

}  // namespace quartic::io
