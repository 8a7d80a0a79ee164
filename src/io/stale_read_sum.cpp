#include "stale_read_sum.hpp"

#include <algorithm>
#include <vector>

#include "quartic/engine/records.hpp"
#include "quartic/io/table.hpp"

namespace quartic::io {
namespace {

using Rows = std::vector<engine::StaleReadRow>;

constexpr char const* name = "stale_read";
constexpr hsize_t rows_at_once = 1 << 16;

Rows read(h5::File const& trace, h5::Table const& table, h5::Handle const& row, hsize_t first,
          hsize_t count) {
  Rows rows(count);
  table.read(trace, row.id(), first, count, rows.data());
  return rows;
}

}  // namespace

void sum_stale_reads(h5::File const& trace) {
  h5::Handle const stages = trace.open_group(trace.id(), "stage");
  h5::Handle const row = h5::row_type<engine::StaleReadRow>();
  std::vector<h5::Table> parts;
  for (std::string const& stage : trace.names(stages.id())) {
    h5::Handle const group = trace.open_group(stages.id(), stage);
    if (!trace.has_link(group.id(), name)) return;
    parts.push_back(h5::Table::open(trace, group.id(), name));
  }
  h5::Table sum = h5::Table::create_like(trace, trace.id(), name, parts.front());
  auto const fewer = [](h5::Table const& a, h5::Table const& b) { return a.rows() < b.rows(); };
  hsize_t const all = std::min_element(parts.begin(), parts.end(), fewer)->rows();
  for (hsize_t first = 0; first < all; first += rows_at_once) {
    hsize_t const count = std::min(rows_at_once, all - first);
    Rows rows = read(trace, parts.front(), row, first, count);
    for (std::size_t stage = 1; stage < parts.size(); ++stage) {
      Rows const part = read(trace, parts[stage], row, first, count);
      for (std::size_t i = 0; i < rows.size(); ++i) rows[i].value += part[i].value;
    }
    sum.append(trace, row.id(), rows.data(), rows.size());
  }
  sum.flush(trace);
}

}  // namespace quartic::io
