#pragma once

#include <cstddef>
#include <span>

#include "quartic/engine/records.hpp"

namespace quartic::io {

/// What a column's value is decided by. `computation`: the configuration, the data and the
/// arithmetic; two runs of one configuration have the same bits, however their stages are hosted.
/// `clock`: when and how long a machine worked. `hosting`: ranks and the machines below them.
enum class Source { computation, clock, hosting };

enum class Kind { int32, int64, real, letter, text };

/// A column of a table of the trace, as it lies in a row in memory.
struct Column {
  char const* name;
  std::size_t offset;
  std::size_t size;  ///< bytes
  Kind kind;
  Source source;
};

/// The columns of a row, in the order of trace.md. This is the only list of them.
template <class Row>
std::span<Column const> columns();

}  // namespace quartic::io
