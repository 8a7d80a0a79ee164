#pragma once

#include <cstddef>
#include <string>

#include "quartic/engine/records.hpp"
#include "quartic/io/h5.hpp"

namespace quartic::io::h5 {

/// The compound type of a row as it lies in memory; its fields have the names and the order of
/// trace.md.
template <class Row>
Handle row_type();

/// A dataset of rows that grows at its end: one dimension, chunked, in the file without padding.
class Table {
 public:
  /// An empty table of `row` (a type in memory). Rows that a dead writer reserved but never wrote
  /// read as `blank`: undefined, not zero.
  static Table create(File const& file, hid_t parent, std::string const& name, Handle const& row,
                      void const* blank);
  /// An empty table with the type, the chunks and the blank row of `like`.
  static Table create_like(File const& file, hid_t parent, std::string const& name,
                           Table const& like);
  static Table open(File const& file, hid_t parent, std::string const& name);

  hsize_t rows() const { return rows_; }
  /// Appends rows that lie in memory as `memory_type` says.
  void append(File const& file, hid_t memory_type, void const* rows, std::size_t count);
  /// Rows `first` … into memory for `count` of them as `memory_type` says.
  void read(File const& file, hid_t memory_type, hsize_t first, hsize_t count, void* rows) const;
  /// Appends all rows of `other`, a block at a time.
  void append_all(File const& file, Table const& other, File const& other_file);
  /// The same up to the first block that cannot be read; whether all could be.
  bool append_readable(File const& file, Table const& other, File const& other_file);
  /// Hands its rows to the system. Whoever lets go of a table before the file is flushed needs
  /// this: a destructor could not say that it failed.
  void flush(File const& file) const;

 private:
  Table(Handle dataset, hsize_t rows) : dataset_(std::move(dataset)), rows_(rows) {}
  Handle select(File const& file, hsize_t first, hsize_t count) const;
  template <class Read>
  bool append_blocks(File const& file, hsize_t all, Read read);
  Handle dataset_;
  hsize_t rows_ = 0;
};

}  // namespace quartic::io::h5
