#include <array>
#include <cmath>

#include "quartic/core/check.hpp"
#include "quartic/io/h5_numbers.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

constexpr char const* valid = "valid is /X [rows, features] and /y [rows], integers or floats";

template <class T>
hid_t memory_type() {
  return sizeof(T) == sizeof(float) ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

template <class T>
std::vector<T> read_columns(h5::File const& file, Part columns, std::int64_t rows) {
  h5::Handle const dataset = h5::open_numbers(file, "X", h5::Numbers::any, valid);
  h5::Handle const space = file.own(H5Dget_space(dataset.id()), H5Sclose, "H5Dget_space");
  std::array<hsize_t, 2> const first{0, static_cast<hsize_t>(columns.first)};
  std::array<hsize_t, 2> const count{static_cast<hsize_t>(rows),
                                     static_cast<hsize_t>(columns.size)};
  std::vector<T> values(static_cast<std::size_t>(count[0] * count[1]));
  if (values.empty()) return values;
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

class Hdf5Reader final : public TypedReader<Hdf5Reader> {
 public:
  Hdf5Reader(std::string path, std::string checksum, Targets meaning) : path_(std::move(path)) {
    h5::File const file = h5::File::open(path_, H5F_ACC_RDONLY);
    h5::Handle const features = h5::open_numbers(file, "X", h5::Numbers::any, valid);
    auto const [rows, columns] = h5::shape_of<2>(file, "X", features.id(), valid);
    h5::check_size(file, "X", rows, columns);
    shape_ = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns),
              std::move(checksum)};
    read_targets(file);
    classes_ = check_targets(targets_, meaning, [this](std::size_t row) {
      return fmt::format("{}: /y row {}, counted from 0", path_, row);
    });
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    QUARTIC_ASSERT(columns.first + columns.size <= shape_.features);
    return h5::reading([&]() -> Dataset<T> {
      h5::File const file = h5::File::open(path_, H5F_ACC_RDONLY);
      DenseFeatures<T> features{shape_.rows, columns.size,
                                read_columns<T>(file, columns, shape_.rows)};
      check_finite(features, columns.first);
      return {std::move(features), to_precision<T>(targets_)};
    });
  }

 private:
  void read_targets(h5::File const& file) {
    h5::Handle const targets = h5::open_numbers(file, "y", h5::Numbers::any, valid);
    auto const [length] = h5::shape_of<1>(file, "y", targets.id(), valid);
    if (length != static_cast<hsize_t>(shape_.rows)) {
      usage_error("{}: /y has {} rows and /X has {}; {}", path_, length, shape_.rows, valid);
    }
    targets_.resize(length);
    file.check(
        H5Dread(targets.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, targets_.data()),
        "H5Dread");
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
