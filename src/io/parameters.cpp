#include "quartic/io/parameters.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <numeric>
#include <sstream>

#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/h5_isolated.hpp"
#include "quartic/io/h5_numbers.hpp"

namespace quartic::io {
namespace {

namespace fs = std::filesystem;

constexpr char const* valid =
    "valid: an HDF5 file with one dataset of numbers for each parameter of the model";
/// Counts batches where a momentum of PyTorch's BatchNorm is None; no parameter.
constexpr char const* not_a_parameter = "num_batches_tracked";

template <class T>
hid_t memory_type() {
  return sizeof(T) == sizeof(float) ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

template <class T>
hid_t stored_type() {
  return sizeof(T) == sizeof(float) ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
}

/// A pipe or a device would keep HDF5 waiting.
std::string const& checked_path(std::string const& path) {
  std::error_code error;
  fs::file_status const status = fs::status(path, error);
  if (!fs::exists(status)) {
    usage_error("{}: {}; {}", path, error ? error.message() : "no such file", valid);
  }
  if (!fs::is_regular_file(status)) usage_error("{}: is not a regular file; {}", path, valid);
  return path;
}

h5::File open_to_read(std::string const& path) {
  try {
    return h5::File::open(path, H5F_ACC_RDONLY);
  } catch (Failure const& error) {
    usage_error("{}; {}", error.what(), valid);
  }
}

h5::File open_to_write(fs::path const& path) {
  return fs::exists(path) ? h5::File::open(path, H5F_ACC_RDWR) : h5::File::create(path);
}

Shape shape_of(h5::File const& file, h5::Handle const& dataset) {
  h5::Handle const space = file.own(H5Dget_space(dataset.id()), H5Sclose, "H5Dget_space");
  int const dimensions =
      file.check(H5Sget_simple_extent_ndims(space.id()), "H5Sget_simple_extent_ndims");
  std::vector<hsize_t> lengths(static_cast<std::size_t>(dimensions));
  file.check(H5Sget_simple_extent_dims(space.id(), lengths.data(), nullptr),
             "H5Sget_simple_extent_dims");
  return {lengths.begin(), lengths.end()};
}

std::int64_t elements_of(Shape const& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

/// Lists the name of every parameter and the lengths of its dimensions, each text up to a zero.
std::string list(h5::File const& file) {
  return h5::reading([&] {
    std::string text;
    for (std::string const& name : file.names(file.id())) {
      if (name.ends_with(not_a_parameter)) continue;
      h5::Handle const dataset = h5::open_numbers(file, name, h5::Numbers::any, valid);
      text += fmt::format("{}{}{}{}", name, '\0', fmt::join(shape_of(file, dataset), " "), '\0');
    }
    return text;
  });
}

std::string shown(std::string const& name) {
  constexpr std::size_t longest = 80;
  return name.size() > longest ? name.substr(0, longest) + "…" : name;
}

/// A description of a file is one value: more of them would be written over what lies behind it.
h5::Handle open_attribute(h5::File const& file, hid_t object, std::string const& name,
                          H5T_class_t kind, std::string const& where) {
  std::string const path = file.path().string();
  if (!file.has_attribute(object, name))
    usage_error("{}: {} has no attribute {}", path, where, name);
  h5::Handle attribute = file.own(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "H5Aopen");
  h5::Handle const space = file.own(H5Aget_space(attribute.id()), H5Sclose, "H5Aget_space");
  h5::Handle const type = file.own(H5Aget_type(attribute.id()), H5Tclose, "H5Aget_type");
  bool const is_one = H5Sget_simple_extent_npoints(space.id()) == 1;
  if (!is_one || H5Tget_class(type.id()) != kind) {
    usage_error("{}: the attribute {} of {} is not a single {}", path, name, where,
                kind == H5T_INTEGER ? "integer" : "string");
  }
  return attribute;
}

/// Lists the name and the attribute of every parameter, each text up to a zero.
std::string list_counts(h5::File const& file, ParameterShapes const& shapes,
                        std::string const& attribute) {
  constexpr std::int64_t most = std::int64_t{1} << 53;  // exact as a double
  std::string text;
  for (auto const& [name, shape] : shapes) {
    h5::Handle const dataset = file.open_dataset(file.id(), name);
    std::string const where = fmt::format("/{}", shown(name));
    h5::Handle const open = open_attribute(file, dataset.id(), attribute, H5T_INTEGER, where);
    std::int64_t value = -1;
    file.check(H5Aread(open.id(), H5T_NATIVE_INT64, &value), "H5Aread");
    if (value < 0 || value > most) {
      usage_error("{}: the attribute {} of {} is {}; valid: 0 to {}", file.path().string(),
                  attribute, where, value, most);
    }
    text += fmt::format("{}{}{}{}", name, '\0', value, '\0');
  }
  return text;
}

/// The text before the next zero; `rest` goes on behind it.
std::string_view take(std::string_view& rest) {
  std::string_view const text = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(text.size() + 1);
  return text;
}

/// The places of a slice in its dataset.
h5::Handle select(h5::File const& file, h5::Handle const& dataset, ParameterSlice const& slice) {
  h5::Handle space = file.own(H5Dget_space(dataset.id()), H5Sclose, "H5Dget_space");
  if (slice.size == elements_of(slice.shape)) return space;
  QUARTIC_ASSERT(slice.shape.size() == 1);
  auto const first = static_cast<hsize_t>(slice.first);
  auto const size = static_cast<hsize_t>(slice.size);
  file.check(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, &first, nullptr, &size, nullptr),
             "H5Sselect_hyperslab");
  return space;
}

h5::Handle line_of(h5::File const& file, ParameterSlice const& slice) {
  auto const size = static_cast<hsize_t>(slice.size);
  return file.own(H5Screate_simple(1, &size, nullptr), H5Sclose, "H5Screate_simple");
}

template <class T>
std::vector<T> read_slice(std::string const& path, ParameterSlice const& slice) {
  h5::File const file = h5::File::open(path, H5F_ACC_RDONLY);
  h5::Handle const dataset = file.open_dataset(file.id(), slice.name);
  h5::Handle const places = select(file, dataset, slice);
  h5::Handle const line = line_of(file, slice);
  std::vector<T> values(static_cast<std::size_t>(slice.size));
  file.check(
      H5Dread(dataset.id(), memory_type<T>(), line.id(), places.id(), H5P_DEFAULT, values.data()),
      "H5Dread");
  return values;
}

template <class T>
h5::Handle create(h5::File const& file, ParameterSlice const& slice) {
  std::vector<hsize_t> const lengths(slice.shape.begin(), slice.shape.end());
  h5::Handle const space =
      file.own(H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr),
               H5Sclose, "H5Screate_simple");
  return file.own(H5Dcreate2(file.id(), slice.name.c_str(), stored_type<T>(), space.id(),
                             H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                  H5Dclose, "H5Dcreate2");
}

/// "missing a, b, c and 4 more", added to `complaints` where there are any.
void complain(std::vector<std::string>& complaints, char const* what,
              std::vector<std::string> names) {
  constexpr std::size_t most = 3;
  if (names.empty()) return;
  std::size_t const more = names.size() - std::min(most, names.size());
  names.resize(names.size() - more);
  std::string const rest = more > 0 ? fmt::format(" and {} more", more) : "";
  complaints.push_back(fmt::format("{}: {}{}", what, fmt::join(names, ", "), rest));
}

}  // namespace

ParameterReader::ParameterReader(std::string const& path)
    : path_(path), checksum_(checksum_text(checksum_of_file(checked_path(path)))) {
  std::string const listed = h5::isolated_bytes(path, [&] { return list(open_to_read(path)); });
  for (auto rest = std::string_view(listed); !rest.empty();) {
    std::string const name(take(rest));
    std::istringstream lengths{std::string(take(rest))};
    shapes_[name] = {std::istream_iterator<std::int64_t>(lengths), {}};
  }
}

std::string ParameterReader::text(std::string const& attribute) const {
  return h5::isolated_bytes(path_, [&] {
    return h5::reading([&] {
      h5::File const file = open_to_read(path_);
      open_attribute(file, file.id(), attribute, H5T_STRING, "the file");
      return file.text(file.id(), attribute);
    });
  });
}

std::map<std::string, std::int64_t> ParameterReader::counts(std::string const& attribute) const {
  std::string const listed = h5::isolated_bytes(path_, [&] {
    return h5::reading([&] { return list_counts(open_to_read(path_), shapes_, attribute); });
  });
  std::map<std::string, std::int64_t> counts;
  for (auto rest = std::string_view(listed); !rest.empty();) {
    std::string const name(take(rest));
    counts[name] = std::stoll(std::string(take(rest)));
  }
  return counts;
}

void ParameterReader::require(ParameterShapes const& model) const {
  std::vector<std::string> missing;
  std::vector<std::string> extra;
  std::vector<std::string> misshapen;
  for (auto const& [name, shape] : model) {
    auto const found = shapes_.find(name);
    if (found == shapes_.end()) {
      missing.push_back(shown(name));
    } else if (found->second != shape) {
      misshapen.push_back(fmt::format("{} {} instead of {}", shown(name), found->second, shape));
    }
  }
  for (auto const& [name, shape] : shapes_) {
    if (!model.contains(name)) extra.push_back(shown(name));
  }
  std::vector<std::string> complaints;
  complain(complaints, "missing", std::move(missing));
  complain(complaints, "not in the model", std::move(extra));
  complain(complaints, "wrong shape", std::move(misshapen));
  if (complaints.empty()) return;
  usage_error("{}: does not match the model: {}", path_, fmt::join(complaints, "; "));
}

template <class T>
void ParameterReader::read(ParameterSlice const& slice, std::span<T> values) const {
  QUARTIC_ASSERT(std::ssize(values) == slice.size);
  std::vector<T> const read =
      h5::reading([&] { return h5::isolated(path_, [&] { return read_slice<T>(path_, slice); }); });
  std::copy(read.begin(), read.end(), values.begin());
  auto const odd =
      std::find_if(values.begin(), values.end(), [](T value) { return !std::isfinite(value); });
  if (odd == values.end()) return;
  usage_error("{}: /{} element {}, counted from 0, is {} as {}; must be a finite number", path_,
              shown(slice.name), slice.first + (odd - values.begin()), *odd,
              sizeof(T) == sizeof(float) ? "float" : "double");
}

ParameterWriter::ParameterWriter(fs::path const& path) : file_(open_to_write(path)) {}

template <class T>
void ParameterWriter::write(ParameterSlice const& slice, std::span<T const> values) {
  QUARTIC_ASSERT(std::ssize(values) == slice.size);
  bool const is_there = file_.has_link(file_.id(), slice.name);
  h5::Handle dataset =
      is_there ? file_.open_dataset(file_.id(), slice.name) : create<T>(file_, slice);
  h5::Handle const places = select(file_, dataset, slice);
  h5::Handle const line = line_of(file_, slice);
  file_.check(
      H5Dwrite(dataset.id(), memory_type<T>(), line.id(), places.id(), H5P_DEFAULT, values.data()),
      "H5Dwrite");
  file_.check(dataset.close(), "H5Dclose");
}

void ParameterWriter::describe(std::string const& name, std::string const& text) {
  file_.set_text(file_.id(), name, text);
}

void ParameterWriter::describe(std::string const& name, std::int64_t number) {
  file_.set_integer(file_.id(), name, number);
}

void ParameterWriter::describe(ParameterSlice const& slice, std::string const& name,
                               std::int64_t number) {
  h5::Handle const dataset = file_.open_dataset(file_.id(), slice.name);
  bool const has = file_.has_attribute(dataset.id(), name);
  std::int64_t const least = has ? std::min(number, file_.integer(dataset.id(), name)) : number;
  file_.set_integer(dataset.id(), name, least);
}

template void ParameterReader::read(ParameterSlice const&, std::span<float>) const;
template void ParameterReader::read(ParameterSlice const&, std::span<double>) const;
template void ParameterWriter::write(ParameterSlice const&, std::span<float const>);
template void ParameterWriter::write(ParameterSlice const&, std::span<double const>);

}  // namespace quartic::io
