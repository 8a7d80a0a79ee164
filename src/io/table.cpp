#include "quartic/io/table.hpp"

#include <algorithm>
#include <vector>

#include "quartic/core/check.hpp"

namespace quartic::io::h5 {
namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 20;

Handle chunked(File const& file, hid_t row, void const* blank) {
  Handle properties = file.own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "H5Pcreate");
  hsize_t const rows = std::max<std::size_t>(1, chunk_bytes / H5Tget_size(row));
  file.check(H5Pset_chunk(properties.id(), 1, &rows), "H5Pset_chunk");
  file.check(H5Pset_fill_value(properties.id(), row, blank), "H5Pset_fill_value");
  return properties;
}

Handle create_empty(File const& file, hid_t parent, std::string const& name, hid_t row,
                    hid_t properties) {
  hsize_t const none = 0;
  hsize_t const unlimited = H5S_UNLIMITED;
  Handle const space =
      file.own(H5Screate_simple(1, &none, &unlimited), H5Sclose, "H5Screate_simple");
  return file.own(
      H5Dcreate2(parent, name.c_str(), row, space.id(), H5P_DEFAULT, properties, H5P_DEFAULT),
      H5Dclose, "H5Dcreate2");
}

}  // namespace

Table Table::create(File const& file, hid_t parent, std::string const& name, Handle const& row,
                    void const* blank) {
  Handle const properties = chunked(file, row.id(), blank);
  return {create_empty(file, parent, name, row.id(), properties.id()), 0};
}

Table Table::create_like(File const& file, hid_t parent, std::string const& name,
                         Table const& like) {
  Handle const row = file.own(H5Dget_type(like.dataset_.id()), H5Tclose, "H5Dget_type");
  Handle const properties =
      file.own(H5Dget_create_plist(like.dataset_.id()), H5Pclose, "H5Dget_create_plist");
  return {create_empty(file, parent, name, row.id(), properties.id()), 0};
}

Table Table::open(File const& file, hid_t parent, std::string const& name) {
  Handle dataset = file.open_dataset(parent, name);
  Handle const space = file.own(H5Dget_space(dataset.id()), H5Sclose, "H5Dget_space");
  hssize_t const rows =
      file.check(H5Sget_simple_extent_npoints(space.id()), "H5Sget_simple_extent_npoints");
  return {std::move(dataset), static_cast<hsize_t>(rows)};
}

Handle Table::select(File const& file, hsize_t first, hsize_t count) const {
  Handle space = file.own(H5Dget_space(dataset_.id()), H5Sclose, "H5Dget_space");
  file.check(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, &first, nullptr, &count, nullptr),
             "H5Sselect_hyperslab");
  return space;
}

void Table::append(File const& file, hid_t memory_type, void const* rows, std::size_t count) {
  if (count == 0) return;
  hsize_t const added = count;
  hsize_t const all = rows_ + added;
  file.check(H5Dset_extent(dataset_.id(), &all), "H5Dset_extent");
  Handle const target = select(file, rows_, added);
  Handle const source =
      file.own(H5Screate_simple(1, &added, nullptr), H5Sclose, "H5Screate_simple");
  file.check(H5Dwrite(dataset_.id(), memory_type, source.id(), target.id(), H5P_DEFAULT, rows),
             "H5Dwrite");
  rows_ = all;
}

void Table::read(File const& file, hid_t memory_type, hsize_t first, hsize_t count,
                 void* rows) const {
  Handle const source = select(file, first, count);
  Handle const target =
      file.own(H5Screate_simple(1, &count, nullptr), H5Sclose, "H5Screate_simple");
  file.check(H5Dread(dataset_.id(), memory_type, target.id(), source.id(), H5P_DEFAULT, rows),
             "H5Dread");
}

/// Stops at the first block for which read(type, first, count, rows) gives false.
template <class Read>
bool Table::append_blocks(File const& file, hsize_t all, Read read) {
  Handle const row = file.own(H5Dget_type(dataset_.id()), H5Tclose, "H5Dget_type");
  std::size_t const row_bytes = H5Tget_size(row.id());
  hsize_t const block = std::max<hsize_t>(1, block_bytes / row_bytes);
  std::vector<std::byte> rows(static_cast<std::size_t>(std::min(block, all)) * row_bytes);
  for (hsize_t first = 0; first < all; first += block) {
    hsize_t const count = std::min(block, all - first);
    if (!read(row.id(), first, count, rows.data())) return false;
    append(file, row.id(), rows.data(), static_cast<std::size_t>(count));
  }
  return true;
}

void Table::append_all(File const& file, Table const& other, File const& other_file) {
  append_blocks(file, other.rows_, [&](hid_t type, hsize_t first, hsize_t count, void* rows) {
    other.read(other_file, type, first, count, rows);
    return true;
  });
}

bool Table::append_readable(File const& file, Table const& other, File const& other_file) {
  return append_blocks(file, other.rows_,
                       [&](hid_t type, hsize_t first, hsize_t count, void* rows) {
                         try {
                           other.read(other_file, type, first, count, rows);
                           return true;
                         } catch (Failure const&) {
                           return false;
                         }
                       });
}

void Table::flush(File const& file) const {
  file.check(H5Dflush(dataset_.id()), "H5Dflush");
}

}  // namespace quartic::io::h5
