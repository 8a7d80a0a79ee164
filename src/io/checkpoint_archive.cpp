#include "checkpoint_archive.hpp"

#include <array>
#include <utility>

#include "quartic/core/check.hpp"
#include "quartic/io/table.hpp"

namespace quartic::io {
namespace {

constexpr std::int64_t format_version = 1;

hid_t stored_type(std::size_t element_bytes) {
  return element_bytes == sizeof(float) ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
}

hid_t memory_type(std::size_t element_bytes) {
  return element_bytes == sizeof(float) ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

// One contiguous block, of which nothing is written twice.
h5::Handle create_dataset(h5::File const& file, hid_t parent, std::string const& name, hid_t type,
                          std::vector<hsize_t> const& shape) {
  h5::Handle const properties = file.own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "H5Pcreate");
  file.check(H5Pset_fill_time(properties.id(), H5D_FILL_TIME_NEVER), "H5Pset_fill_time");
  h5::Handle const space =
      file.own(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose,
               "H5Screate_simple");
  return file.own(
      H5Dcreate2(parent, name.c_str(), type, space.id(), H5P_DEFAULT, properties.id(), H5P_DEFAULT),
      H5Dclose, "H5Dcreate2");
}

std::vector<hsize_t> shape_of(h5::File const& file, hid_t dataset) {
  h5::Handle const space = file.own(H5Dget_space(dataset), H5Sclose, "H5Dget_space");
  int const dimensions =
      file.check(H5Sget_simple_extent_ndims(space.id()), "H5Sget_simple_extent_ndims");
  std::vector<hsize_t> shape(static_cast<std::size_t>(dimensions));
  file.check(H5Sget_simple_extent_dims(space.id(), shape.data(), nullptr),
             "H5Sget_simple_extent_dims");
  return shape;
}

// Calls each(i, memory, space) for every row of a matrix, with the spaces that select it.
template <class Each>
void for_rows(h5::File const& file, hid_t dataset, std::int64_t count, std::int64_t columns,
              Each each) {
  auto const length = static_cast<hsize_t>(columns);
  h5::Handle const memory =
      file.own(H5Screate_simple(1, &length, nullptr), H5Sclose, "H5Screate_simple");
  h5::Handle const space = file.own(H5Dget_space(dataset), H5Sclose, "H5Dget_space");
  for (std::int64_t i = 0; i < count; ++i) {
    std::array<hsize_t, 2> const first{static_cast<hsize_t>(i), 0};
    std::array<hsize_t, 2> const one{1, length};
    file.check(
        H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, first.data(), nullptr, one.data(), nullptr),
        "H5Sselect_hyperslab");
    each(i, memory.id(), space.id());
  }
}

}  // namespace

FileArchive::FileArchive(h5::File file) : file_(std::move(file)) {
  groups_.push_back(file_.open_group(file_.id(), "/"));
}

void FileArchive::close() {
  groups_.clear();
  file_.close();
}

SavingArchive::SavingArchive(std::filesystem::path const& path)
    : FileArchive(h5::File::create(path)) {
  file().set_integer(here(), "format_version", format_version);
}

void SavingArchive::enter(std::string const& name) {
  enter_group(file().create_group(here(), name));
}

void SavingArchive::visit_integer(std::string const& name, std::int64_t& value) {
  file().set_integer(here(), name, value);
}

void SavingArchive::number(std::string const& name, double& value) {
  file().set_number(here(), name, value);
}

void SavingArchive::write_list(std::string const& name, hid_t stored, hid_t memory,
                               std::size_t count, void const* values) {
  h5::Handle dataset = create_dataset(file(), here(), name, stored, {count});
  if (count == 0) return;
  file().check(H5Dwrite(dataset.id(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), "H5Dwrite");
  file().check(dataset.close(), "H5Dclose");  // which writes what H5Dwrite has buffered
}

void SavingArchive::integers(std::string const& name, std::vector<std::int64_t>& values) {
  write_list(name, H5T_STD_I64LE, H5T_NATIVE_INT64, values.size(), values.data());
}

void SavingArchive::numbers(std::string const& name, std::vector<double>& values) {
  write_list(name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values.size(), values.data());
}

void SavingArchive::steps(std::string const& name, std::vector<engine::StepRow>& rows) {
  h5::Handle const row = h5::row_type<engine::StepRow>();
  write_list(name, row.id(), row.id(), rows.size(), rows.data());
}

void SavingArchive::visit_rows(std::string const& name, std::int64_t count, std::int64_t columns,
                               std::size_t element_bytes,
                               std::function<void*(std::int64_t)> const& row) {
  h5::Handle dataset = create_dataset(file(), here(), name, stored_type(element_bytes),
                                      {static_cast<hsize_t>(count), static_cast<hsize_t>(columns)});
  if (columns == 0) return;
  for_rows(file(), dataset.id(), count, columns, [&](std::int64_t i, hid_t memory, hid_t space) {
    file().check(
        H5Dwrite(dataset.id(), memory_type(element_bytes), memory, space, H5P_DEFAULT, row(i)),
        "H5Dwrite");
  });
  file().check(dataset.close(), "H5Dclose");
}

RestoringArchive::RestoringArchive(std::filesystem::path const& path)
    : FileArchive(h5::File::open(path, H5F_ACC_RDONLY)) {
  std::int64_t const version = file().integer(here(), "format_version");
  if (version != format_version) {
    failure("{}: its format has version {}; this program reads {}", path.string(), version,
            format_version);
  }
}

void RestoringArchive::enter(std::string const& name) {
  enter_group(file().open_group(here(), name));
}

void RestoringArchive::visit_integer(std::string const& name, std::int64_t& value) {
  value = file().integer(here(), name);
}

void RestoringArchive::number(std::string const& name, double& value) {
  value = file().number(here(), name);
}

template <class Value>
void RestoringArchive::read_list(std::string const& name, hid_t memory,
                                 std::vector<Value>& values) {
  h5::Handle const dataset = file().open_dataset(here(), name);
  std::vector<hsize_t> const shape = shape_of(file(), dataset.id());
  if (shape.size() != 1)
    failure("{}: {} is not a one-dimensional dataset", file().path().string(), name);
  values.resize(shape.front());
  if (values.empty()) return;
  file().check(H5Dread(dataset.id(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
               "H5Dread");
}

void RestoringArchive::integers(std::string const& name, std::vector<std::int64_t>& values) {
  read_list(name, H5T_NATIVE_INT64, values);
}

void RestoringArchive::numbers(std::string const& name, std::vector<double>& values) {
  read_list(name, H5T_NATIVE_DOUBLE, values);
}

void RestoringArchive::steps(std::string const& name, std::vector<engine::StepRow>& rows) {
  read_list(name, h5::row_type<engine::StepRow>().id(), rows);
}

void RestoringArchive::visit_rows(std::string const& name, std::int64_t count, std::int64_t columns,
                                  std::size_t element_bytes,
                                  std::function<void*(std::int64_t)> const& row) {
  h5::Handle const dataset = file().open_dataset(here(), name);
  std::vector<hsize_t> const expected{static_cast<hsize_t>(count), static_cast<hsize_t>(columns)};
  if (shape_of(file(), dataset.id()) != expected) {
    failure("{}: {} has the wrong shape; the stage needs {} x {}", file().path().string(), name,
            count, columns);
  }
  if (columns == 0) return;
  for_rows(file(), dataset.id(), count, columns, [&](std::int64_t i, hid_t memory, hid_t space) {
    file().check(
        H5Dread(dataset.id(), memory_type(element_bytes), memory, space, H5P_DEFAULT, row(i)),
        "H5Dread");
  });
}

}  // namespace quartic::io
