#include <algorithm>
#include <array>

#include "quartic/core/check.hpp"
#include "quartic/io/h5_isolated.hpp"
#include "quartic/io/h5_numbers.hpp"
#include "quartic/io/reader.hpp"
#include "quartic/io/rows.hpp"

namespace quartic::io {
namespace {

constexpr char const* valid =
    "valid: datasets /X [rows, features] and /y [rows] of integers, floats or booleans; for other "
    "names give FILE:/NAME,/NAME";

using Counts = std::vector<hsize_t>;

template <class T>
hid_t memory_type() {
  return sizeof(T) == sizeof(float) ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

/// The numbers of a block of a dataset, row-major.
template <class T>
std::vector<T> read_block(h5::File const& file, hid_t dataset, Counts const& first,
                          Counts const& count) {
  h5::Handle const space = file.own(H5Dget_space(dataset), H5Sclose, "H5Dget_space");
  file.check(
      H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr),
      "H5Sselect_hyperslab");
  auto const rank = static_cast<int>(count.size());
  h5::Handle const target =
      file.own(H5Screate_simple(rank, count.data(), nullptr), H5Sclose, "H5Screate_simple");
  std::vector<T> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(target.id())));
  file.check(
      H5Dread(dataset, memory_type<T>(), target.id(), space.id(), H5P_DEFAULT, values.data()),
      "H5Dread");
  return values;
}

/// The rows of a matrix as columns, and these as rows.
template <class T>
std::vector<T> transposed(std::vector<T> const& values, hsize_t rows) {
  hsize_t const columns = values.size() / rows;
  std::vector<T> turned(values.size());
  for (hsize_t row = 0; row < rows; ++row) {
    for (hsize_t column = 0; column < columns; ++column)
      turned[column * rows + row] = values[row * columns + column];
  }
  return turned;
}

/// Where the features lie in the file.
struct Features {
  std::string path;
  std::string name;
  std::vector<std::int64_t> dimensions;  ///< of the rows
  bool turned = false;                   ///< MATLAB's files have a column where a row is meant

  std::string where() const { return fmt::format("{}: /{}", path, name); }
};

/// Columns of rows [first, first + rows). Those of images are cut out of whole rows.
template <class T>
std::vector<T> read_rows(Features const& from, Part columns, std::int64_t first,
                         std::int64_t rows) {
  h5::File const file = h5::File::open(from.path, H5F_ACC_RDONLY);
  h5::Handle const dataset = h5::open_numbers(file, from.name, h5::Numbers::any, valid);
  auto const begin = static_cast<hsize_t>(first);
  auto const count = static_cast<hsize_t>(rows);
  auto const begin_column = static_cast<hsize_t>(columns.first);
  auto const column_count = static_cast<hsize_t>(columns.size);
  if (from.turned) {
    auto const block =
        read_block<T>(file, dataset.id(), {begin_column, begin}, {column_count, count});
    return transposed(block, column_count);
  }
  if (from.dimensions.size() == 2)
    return read_block<T>(file, dataset.id(), {begin, begin_column}, {count, column_count});
  Counts all(from.dimensions.begin(), from.dimensions.end());
  all[0] = count;
  auto const block = read_block<T>(file, dataset.id(), {begin, 0, 0, 0}, all);
  std::vector<T> values;
  std::size_t const length = block.size() / count;
  for (std::size_t row = 0; row < count; ++row) {
    auto const from_column =
        block.begin() + static_cast<std::ptrdiff_t>(row * length + begin_column);
    values.insert(values.end(), from_column, from_column + columns.size);
  }
  return values;
}

/// In blocks, so that what comes from another process is not in memory twice.
template <class T>
std::vector<T> read_columns(Features const& from, Part columns, std::int64_t rows) {
  constexpr std::int64_t block_bytes = std::int64_t{64} << 20;
  std::vector<T> values;
  if (columns.size == 0) return values;
  auto const row_bytes = columns.size * static_cast<std::int64_t>(sizeof(T));
  std::int64_t const most = std::max<std::int64_t>(1, block_bytes / row_bytes);
  values.reserve(static_cast<std::size_t>(rows * columns.size));
  for (std::int64_t first = 0; first < rows; first += most) {
    std::int64_t const count = std::min(most, rows - first);
    auto const block =
        h5::isolated(from.path, [&] { return read_rows<T>(from, columns, first, count); });
    values.insert(values.end(), block.begin(), block.end());
  }
  return values;
}

std::vector<std::int64_t> dimensions_of(h5::File const& file, hid_t dataset) {
  h5::Handle const space = file.own(H5Dget_space(dataset), H5Sclose, "H5Dget_space");
  int const rank = H5Sget_simple_extent_ndims(space.id());
  Counts shape(static_cast<std::size_t>(std::max(rank, 0)));
  if (rank > 0) H5Sget_simple_extent_dims(space.id(), shape.data(), nullptr);
  return {shape.begin(), shape.end()};
}

class Hdf5Reader final : public TypedReader<Hdf5Reader> {
 public:
  Hdf5Reader(std::string const& path, DatasetNames const& names, std::string checksum,
             TargetRules const& rules)
      : features_{path, without_slash(names.features), {}},
        targets_name_(without_slash(names.targets)) {
    read_shape();
    shape_.checksum = std::move(checksum);
    targets_ = h5::isolated(path, [&] { return read_targets(); });
    Classes classes = number_targets(targets_, rules, [this](std::size_t row) {
      return fmt::format("{} row {}, counted from 0", targets_place(), row);
    });
    classes_ = classes.count;
    facts_ = {.format = "HDF5",
              .kind = "numbers",
              .bytes = static_cast<std::int64_t>(std::filesystem::file_size(path)),
              .labels = std::move(classes.labels)};
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    QUARTIC_ASSERT(columns.first + columns.size <= shape_.features);
    return h5::reading([&]() -> Dataset<T> {
      DenseFeatures<T> features{shape_.rows, columns.size,
                                read_columns<T>(features_, columns, shape_.rows)};
      check_finite(features_.where(), features.values, columns.size, columns.first);
      return {std::move(features), to_precision<T>(targets_)};
    });
  }

 private:
  static std::string without_slash(std::string const& name) {
    return name.starts_with('/') ? name.substr(1) : name;
  }

  std::string targets_place() const {
    return fmt::format("{}: /{}", features_.path, targets_name_);
  }

  void read_shape() {
    auto const found = h5::isolated(features_.path, [&] { return find_features(); });
    features_.turned = found.front() != 0;
    features_.dimensions.assign(found.begin() + 1, found.end());
    if (features_.turned) std::reverse(features_.dimensions.begin(), features_.dimensions.end());
    shape_ = shape_of_rows(features_.where(), features_.dimensions);
  }

  /// Whether the rows are turned, and the dimensions of the dataset.
  std::vector<std::int64_t> find_features() const {
    h5::File const file = h5::File::open(features_.path, H5F_ACC_RDONLY);
    h5::Handle const features = h5::open_numbers(file, features_.name, h5::Numbers::any, valid);
    auto found = dimensions_of(file, features.id());
    hsize_t columns = 1;
    for (std::size_t i = 1; i < found.size(); ++i) columns *= static_cast<hsize_t>(found[i]);
    if (found.size() > 1)
      h5::check_size(file, features_.name, static_cast<hsize_t>(found[0]), columns);
    bool const turned = found.size() == 2 && H5Aexists(features.id(), "MATLAB_class") > 0;
    found.insert(found.begin(), turned ? 1 : 0);
    return found;
  }

  std::vector<double> read_targets() const {
    h5::File const file = h5::File::open(features_.path, H5F_ACC_RDONLY);
    h5::Handle const dataset = h5::open_numbers(file, targets_name_, h5::Numbers::any, valid);
    check_target_shape(targets_place(), dimensions_of(file, dataset.id()), shape_.rows);
    std::vector<double> targets(static_cast<std::size_t>(shape_.rows));
    file.check(
        H5Dread(dataset.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, targets.data()),
        "H5Dread");
    return targets;
  }

  Features features_;
  std::string targets_name_;
  std::vector<double> targets_;
};

}  // namespace

std::unique_ptr<Reader> open_hdf5(std::string const& path, DatasetNames const& names,
                                  std::string checksum, TargetRules const& targets) {
  return h5::reading(
      [&] { return std::make_unique<Hdf5Reader>(path, names, std::move(checksum), targets); });
}

}  // namespace quartic::io
