#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "quartic/core/check.hpp"
#include "quartic/io/compare.hpp"
#include "quartic/io/h5_numbers.hpp"
#include "value_text.hpp"

namespace quartic::io {
namespace {

namespace fs = std::filesystem;

constexpr char const* valid = "give the parameters.h5 of a run";

/// One parameter, as its file has it.
struct Parameter {
  std::string type;  ///< "float [3 4]"
  bool is_float = false;
  std::vector<std::byte> bytes;
};

std::vector<hsize_t> shape_of(h5::File const& file, hid_t space) {
  std::vector<hsize_t> shape(static_cast<std::size_t>(
      file.check(H5Sget_simple_extent_ndims(space), "H5Sget_simple_extent_ndims")));
  file.check(H5Sget_simple_extent_dims(space, shape.data(), nullptr), "H5Sget_simple_extent_dims");
  return shape;
}

/// A run writes parameters as float or double, and conversion to the same type keeps all bits.
Parameter read(h5::File const& file, std::string const& name) {
  h5::Handle const dataset = h5::open_numbers(file, name, h5::Numbers::any, valid);
  h5::Handle const space = file.own(H5Dget_space(dataset.id()), H5Sclose, "H5Dget_space");
  h5::Handle const type = file.own(H5Dget_type(dataset.id()), H5Tclose, "H5Dget_type");
  bool const is_float = H5Tget_size(type.id()) == sizeof(float);
  auto const count =
      file.check(H5Sget_simple_extent_npoints(space.id()), "H5Sget_simple_extent_npoints");
  std::size_t const size = is_float ? sizeof(float) : sizeof(double);
  Parameter parameter{
      .type = fmt::format("{} {}", is_float ? "float" : "double", shape_of(file, space.id())),
      .is_float = is_float,
      .bytes = std::vector<std::byte>(static_cast<std::size_t>(count) * size)};
  file.check(H5Dread(dataset.id(), is_float ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, H5S_ALL,
                     H5S_ALL, H5P_DEFAULT, parameter.bytes.data()),
             "H5Dread");
  return parameter;
}

template <class T>
std::string first_values(Parameter const& left, Parameter const& right, std::size_t byte) {
  T a;
  T b;
  std::size_t const element = byte / sizeof(T);
  std::memcpy(&a, left.bytes.data() + element * sizeof(T), sizeof(T));
  std::memcpy(&b, right.bytes.data() + element * sizeof(T), sizeof(T));
  return fmt::format("element {}: {}", element, both_values(a, b));
}

/// Says how a parameter differs; empty where it does not.
std::string difference(Parameter const& left, Parameter const& right) {
  if (left.type != right.type) return fmt::format("is {} and {}", left.type, right.type);
  auto const [a, b] = std::mismatch(left.bytes.begin(), left.bytes.end(), right.bytes.begin());
  if (a == left.bytes.end()) return {};
  auto const byte = static_cast<std::size_t>(a - left.bytes.begin());
  return left.is_float ? first_values<float>(left, right, byte)
                       : first_values<double>(left, right, byte);
}

std::string difference_of(h5::File const& left, h5::File const& right, std::string const& name) {
  for (h5::File const* const file : {&left, &right}) {
    if (!file->has_link(file->id(), name))
      return fmt::format("is missing in {}", file->path().string());
  }
  return difference(read(left, name), read(right, name));
}

h5::File open_parameters(fs::path const& path) {
  if (!fs::is_regular_file(path)) usage_error("{}: no such file; {}", path.string(), valid);
  return h5::File::open(path, H5F_ACC_RDONLY);
}

}  // namespace

ParameterComparison compare_parameters(fs::path const& left_path, fs::path const& right_path) {
  return h5::reading([&] {
    h5::File const left = open_parameters(left_path);
    h5::File const right = open_parameters(right_path);
    std::set<std::string> names;
    for (std::string const& name : left.names(left.id())) names.insert(name);
    for (std::string const& name : right.names(right.id())) names.insert(name);
    ParameterComparison found;
    for (std::string const& name : names) {
      ++found.compared;
      std::string const how = difference_of(left, right, name);
      if (how.empty()) continue;
      if (found.differing++ == 0) found.first = fmt::format("parameter {}, {}", name, how);
    }
    return found;
  });
}

}  // namespace quartic::io
