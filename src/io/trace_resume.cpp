#include <algorithm>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/io/shard_files.hpp"
#include "quartic/io/table.hpp"
#include "quartic/io/trace.hpp"

namespace quartic::io {
namespace {

constexpr hsize_t rows_at_once = 1 << 14;

// Hands the rows that were recorded to `append`, a block at a time: the first of a table of which
// `belongs` is true.
template <class Row, class Append, class Belongs>
void copy_rows(h5::File const& trace, std::string const& group, std::string const& name,
               engine::RecordedRows const& recorded, Append append, Belongs belongs) {
  if (recorded.count == 0 && recorded.hash.value == WordHash().value) return;
  h5::Handle const parent = trace.open_group(trace.id(), group);
  h5::Handle const type = h5::row_type<Row>();
  h5::Table const table = h5::Table::open(trace, parent.id(), name);
  engine::RecordedRows found;
  std::vector<Row> rows;
  for (hsize_t first = 0; found.count < recorded.count && first < table.rows();
       first += rows_at_once) {
    rows.resize(std::min(rows_at_once, table.rows() - first));
    table.read(trace, type.id(), first, rows.size(), rows.data());
    std::erase_if(rows, [&](Row const& row) { return !belongs(row); });
    if (std::ssize(rows) > recorded.count - found.count)
      rows.resize(static_cast<std::size_t>(recorded.count - found.count));
    for (Row const& row : rows) found.add(row);
    append(std::span<Row const>(rows));
  }
  if (found.hash.value != recorded.hash.value) {
    usage_error(
        "{}: {}{}{} is damaged: its rows are not those that the checkpoint knows; remove the "
        "checkpoint to run from the start again",
        trace.path().string(), group, group.ends_with('/') ? "" : "/", name);
  }
}

template <class Row, class Append>
void copy_rows(h5::File const& trace, std::string const& group, std::string const& name,
               engine::RecordedRows const& recorded, Append append) {
  copy_rows<Row>(trace, group, name, recorded, append, [](Row const&) { return true; });
}

}  // namespace

void copy_earlier_rows(std::filesystem::path const& folder,
                       std::vector<engine::StageInfo> const& hosted,
                       std::vector<engine::RecordedTables> const& recorded, TraceShard& shard) {
  using namespace engine;
  h5::File const trace = h5::File::open(folder / "trace.h5", H5F_ACC_RDONLY);
  for (std::size_t i = 0; i < hosted.size(); ++i) {
    int const place = static_cast<int>(i);
    int const pipeline = hosted[i].pipeline;
    RecordedTables const& of_stage = recorded[i];
    std::string const group = stages_path(pipeline) + "/" + stage_name(hosted[i].stage);
    copy_rows<StepRow>(trace, group, "steps", of_stage.steps,
                       [&](auto rows) { shard.steps(place, rows); });
    copy_rows<EventRow>(trace, group, "events", of_stage.events,
                        [&](auto rows) { shard.events(place, rows); });
    copy_rows<StaleReadRow>(trace, group, "stale_read", of_stage.stale_reads,
                            [&](auto rows) { shard.stale_reads(place, rows); });
    copy_rows<LossRow>(
        trace, "/", "loss", of_stage.losses, [&](auto rows) { shard.losses(place, rows); },
        [&](LossRow const& row) { return row.pipeline == pipeline; });
    copy_rows<ObjectiveRow>(trace, "/", "objective", of_stage.objectives,
                            [&](auto rows) { shard.objectives(rows); });
    copy_rows<ObjectiveRow>(trace, "/", "validation", of_stage.validations,
                            [&](auto rows) { shard.validations(rows); });
  }
  shard.sync();
}

std::int32_t copy_earlier_ranks(std::filesystem::path const& folder, TraceShard& shard) {
  h5::File const trace = h5::File::open(folder / "trace.h5", H5F_ACC_RDONLY);
  if (!trace.has_link(trace.id(), "ranks")) return 0;
  h5::Handle const type = h5::row_type<engine::RankRow>();
  h5::Table const table = h5::Table::open(trace, trace.id(), "ranks");
  std::vector<engine::RankRow> rows(table.rows());
  if (rows.empty()) return 0;
  table.read(trace, type.id(), 0, rows.size(), rows.data());
  shard.ranks(rows);
  return rows.back().start + 1;
}

}  // namespace quartic::io
