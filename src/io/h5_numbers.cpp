#include "quartic/io/h5_numbers.hpp"

#include <filesystem>

namespace quartic::io::h5 {

Handle open_numbers(File const& file, std::string const& name, Numbers numbers,
                    std::string const& valid) {
  std::string const path = file.path().string();
  if (!file.has_link(file.id(), name)) usage_error("{}: has no /{}; {}", path, name, valid);
  Handle dataset{H5Dopen2(file.id(), name.c_str(), H5P_DEFAULT), H5Dclose};
  if (dataset.id() < 0) {
    usage_error("{}: /{} cannot be opened as a dataset: {}; {}", path, name, reason(), valid);
  }
  Handle const type = file.own(H5Dget_type(dataset.id()), H5Tclose, "H5Dget_type");
  H5T_class_t const kind = H5Tget_class(type.id());
  bool const floats = numbers == Numbers::any && kind == H5T_FLOAT;
  if (kind != H5T_INTEGER && !floats) {
    usage_error("{}: /{} does not hold {}; {}", path, name,
                numbers == Numbers::any ? "numbers" : "integers", valid);
  }
  return dataset;
}

std::vector<hsize_t> dimensions(File const& file, std::string const& name, hid_t dataset,
                                std::size_t rank, std::string const& valid) {
  Handle const space = file.own(H5Dget_space(dataset), H5Sclose, "H5Dget_space");
  int const found = H5Sget_simple_extent_ndims(space.id());
  if (found != static_cast<int>(rank)) {
    usage_error("{}: /{} has {} dimensions, not {}; {}", file.path().string(), name, found, rank,
                valid);
  }
  std::vector<hsize_t> shape(rank);
  H5Sget_simple_extent_dims(space.id(), shape.data(), nullptr);
  return shape;
}

// The best that HDF5's own filters do is a thousandth of a byte a number: more than that is a
// header that lies, and nothing of its size should be asked of the machine.
void check_size(File const& file, std::string const& name, hsize_t rows, hsize_t columns) {
  hsize_t const bytes = std::filesystem::file_size(file.path());
  hsize_t const most = 1032 * bytes;
  std::string const path = file.path().string();
  if (rows == 0 || columns == 0) usage_error("{}: /{} is empty", path, name);
  if (rows > most || columns > most / rows) {
    usage_error("{}: /{} announces {} x {} numbers, which a file of {} bytes cannot hold", path,
                name, rows, columns, bytes);
  }
}

}  // namespace quartic::io::h5
