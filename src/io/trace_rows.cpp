#include "quartic/io/trace_rows.hpp"

#include <algorithm>
#include <vector>

#include "quartic/engine/records.hpp"
#include "quartic/io/table.hpp"

namespace quartic::io {

template <class Row>
void read_rows(std::filesystem::path const& folder, std::string const& table,
               std::function<void(std::span<Row const>)> const& visit) {
  constexpr hsize_t rows_at_once = 1 << 14;
  h5::File const trace = h5::File::open(folder / "trace.h5", H5F_ACC_RDONLY);
  if (!trace.has_link(trace.id(), table)) return;
  h5::Handle const type = h5::row_type<Row>();
  h5::Table const source = h5::Table::open(trace, trace.id(), table);
  std::vector<Row> rows;
  for (hsize_t first = 0; first < source.rows(); first += rows_at_once) {
    rows.resize(std::min(rows_at_once, source.rows() - first));
    source.read(trace, type.id(), first, rows.size(), rows.data());
    visit(rows);
  }
}

template void read_rows(std::filesystem::path const&, std::string const&,
                        std::function<void(std::span<engine::LossRow const>)> const&);
template void read_rows(std::filesystem::path const&, std::string const&,
                        std::function<void(std::span<engine::ObjectiveRow const>)> const&);
template void read_rows(std::filesystem::path const&, std::string const&,
                        std::function<void(std::span<engine::RankRow const>)> const&);

}  // namespace quartic::io
