#include "quartic/io/h5_numbers.hpp"

#include <filesystem>

namespace quartic::io::h5 {
namespace {

/// A name may be a path, of which a group may be missing.
bool exists(File const& file, std::string const& name) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = name.find('/', end + 1);
    if (H5Lexists(file.id(), name.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return true;
}

bool is_external_link(File const& file, std::string const& name) {
  H5L_info_t info{};
  return H5Lget_info(file.id(), name.c_str(), &info, H5P_DEFAULT) >= 0 &&
         info.type == H5L_TYPE_EXTERNAL;
}

std::string file_of(hid_t object) {
  std::string name(static_cast<std::size_t>(std::max<ssize_t>(0, H5Fget_name(object, nullptr, 0))),
                   ' ');
  H5Fget_name(object, name.data(), name.size() + 1);
  return name;
}

/// A group on the way may be a link to another file.
bool lies_elsewhere(File const& file, hid_t dataset) {
  return file_of(file.id()) != file_of(dataset);
}

/// The checksum of a data set is that of its file: numbers that lie elsewhere would not be in it.
void require_in_file(File const& file, std::string const& name, hid_t dataset) {
  Handle const made = file.own(H5Dget_create_plist(dataset), H5Pclose, "H5Dget_create_plist");
  char const* const where = lies_elsewhere(file, dataset)             ? "behind an external link"
                            : H5Pget_layout(made.id()) == H5D_VIRTUAL ? "in a virtual dataset"
                            : H5Pget_external_count(made.id()) > 0    ? "in external storage"
                                                                      : nullptr;
  if (where == nullptr) return;
  usage_error(
      "{}: the data of /{} is {}, in other files; copy it into the file itself, for example with "
      "h5repack or h5py",
      file.path().string(), name, where);
}

void require_filters(File const& file, std::string const& name, hid_t dataset) {
  Handle const made = file.own(H5Dget_create_plist(dataset), H5Pclose, "H5Dget_create_plist");
  int const filters = H5Pget_nfilters(made.id());
  for (int i = 0; i < filters; ++i) {
    std::array<char, 64> known{};
    unsigned flags = 0;
    std::size_t none = 0;
    H5Z_filter_t const filter = H5Pget_filter2(made.id(), static_cast<unsigned>(i), &flags, &none,
                                               nullptr, known.size() - 1, known.data(), nullptr);
    if (filter < 0 || H5Zfilter_avail(filter) > 0) continue;
    usage_error(
        "{}: /{} is compressed with the filter {} (number {}), which this HDF5 library lacks; "
        "valid: gzip, or no filter",
        file.path().string(), name, quoted(known.data()), filter);
  }
}

/// Booleans are an enumeration.
bool holds(hid_t type, Numbers numbers) {
  H5T_class_t const kind = H5Tget_class(type);
  if (kind == H5T_INTEGER) return true;
  return numbers == Numbers::any && (kind == H5T_FLOAT || kind == H5T_ENUM);
}

}  // namespace

Handle open_numbers(File const& file, std::string const& name, Numbers numbers,
                    std::string const& valid) {
  std::string const path = file.path().string();
  if (!exists(file, name)) usage_error("{}: has no /{}; {}", path, name, valid);
  if (is_external_link(file, name)) {
    usage_error(
        "{}: the data of /{} is behind an external link, in another file; copy it into the file "
        "itself, for example with h5repack or h5py",
        path, name);
  }
  Handle dataset{H5Dopen2(file.id(), name.c_str(), H5P_DEFAULT), H5Dclose};
  if (dataset.id() < 0) {
    usage_error("{}: /{} cannot be opened as a dataset: {}; {}", path, name, reason(), valid);
  }
  Handle const type = file.own(H5Dget_type(dataset.id()), H5Tclose, "H5Dget_type");
  if (!holds(type.id(), numbers)) {
    usage_error("{}: /{} does not hold {}; {}", path, name,
                numbers == Numbers::any ? "numbers" : "integers", valid);
  }
  require_in_file(file, name, dataset.id());
  require_filters(file, name, dataset.id());
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
    usage_error("{}: /{} declares {} x {} numbers, which a file of {} bytes cannot hold", path,
                name, rows, columns, bytes);
  }
}

}  // namespace quartic::io::h5
