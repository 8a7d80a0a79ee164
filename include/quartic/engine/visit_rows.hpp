#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "quartic/compute/buffer.hpp"
#include "quartic/engine/archive.hpp"

namespace quartic::engine {

/// Archive::rows of rows that lie where the process computes.
template <class T>
void visit_rows(Archive& archive, std::string const& name, std::int64_t count, std::int64_t columns,
                Archive::Row<T> const& row) {
  if (compute::computes_on_host()) return archive.rows<T>(name, count, columns, row);
  std::vector<T> host(static_cast<std::size_t>(count * columns));
  auto const here = [&](std::int64_t i) {
    return std::span<T>(host).subspan(static_cast<std::size_t>(i * columns),
                                      static_cast<std::size_t>(columns));
  };
  for (std::int64_t i = 0; !archive.restores() && i < count; ++i)
    compute::to_host<T>(row(i), here(i));
  archive.rows<T>(name, count, columns, here);
  for (std::int64_t i = 0; archive.restores() && i < count; ++i)
    compute::to_device<T>(here(i), row(i));
}

/// The same, of one row.
template <class T>
void visit_array(Archive& archive, std::string const& name, std::span<T> values) {
  visit_rows<T>(archive, name, 1, std::ssize(values), [&](std::int64_t) { return values; });
}

}  // namespace quartic::engine
