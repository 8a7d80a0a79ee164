#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/io/shard_files.hpp"
#include "quartic/io/table.hpp"
#include "quartic/io/trace.hpp"
#include "quartic/io/trace_rows.hpp"
#include "trace_gap.hpp"

namespace quartic::io {
namespace {

constexpr hsize_t rows_at_once = 1 << 14;

// The tables of an earlier trace, and what is lost of them.
class EarlierRows {
 public:
  explicit EarlierRows(std::filesystem::path const& folder)
      : trace_(h5::File::open(folder / "trace.h5", H5F_ACC_RDONLY)), gap_(gap_of(trace_)) {}

  // Hands the rows that were recorded to `append`, a block at a time: the first of a table that
  // belong to the stage. `blank` stands for each row that cannot be read.
  template <class Row, class Append, class Belongs>
  void copy(std::string const& path, engine::RecordedRows const& recorded, Row const& blank,
            Append append, Belongs belongs) {
    if (recorded.count == 0 && recorded.hash.value == WordHash().value) return;
    engine::RecordedRows found;
    std::optional<h5::Table> const table = open(path);
    std::vector<Row> rows;
    h5::Handle const type = h5::row_type<Row>();
    for (hsize_t first = 0; table && found.count < recorded.count && first < table->rows();
         first += rows_at_once) {
      rows.resize(std::min(rows_at_once, table->rows() - first));
      if (!reads([&] { table->read(trace_, type.id(), first, rows.size(), rows.data()); })) break;
      std::erase_if(rows, [&](Row const& row) { return !belongs(row); });
      if (std::ssize(rows) > recorded.count - found.count)
        rows.resize(static_cast<std::size_t>(recorded.count - found.count));
      for (Row const& row : rows) found.add(row);
      append(std::span<Row const>(rows));
    }
    if (found.hash.value == recorded.hash.value) return;
    mark(path, found.count, recorded.count);
    rows.assign(static_cast<std::size_t>(recorded.count - found.count), blank);
    if (!rows.empty()) append(std::span<Row const>(rows));
  }

  template <class Row, class Append>
  void copy(std::string const& path, engine::RecordedRows const& recorded, Append append) {
    copy<Row>(path, recorded, Row{}, append, [](Row const&) { return true; });
  }

  std::string const& gap() const { return entries_; }

 private:
  // Whether what is read is there: a damaged trace makes no checkpoint useless.
  template <class Read>
  static bool reads(Read read) {
    try {
      read();
      return true;
    } catch (Failure const&) {
      return false;
    }
  }

  // Nothing where the damage has not left so much as the table.
  std::optional<h5::Table> open(std::string const& path) const {
    std::optional<h5::Table> table;
    reads([&] { table.emplace(h5::Table::open(trace_, trace_.id(), path)); });
    return table;
  }

  // An entry for rows that are lost, or altered as by a bit that a disk has turned; or the one that
  // the table has from an earlier resume.
  void mark(std::string const& path, std::int64_t found, std::int64_t recorded) {
    auto const earlier = gap_.find(path + ": ");
    if (earlier != std::string::npos) {
      entries_ += gap_.substr(earlier, gap_.find(gap_separator, earlier) - earlier);
    } else if (found < recorded) {
      entries_ += fmt::format("{}: {} of {} rows are lost", path, recorded - found, recorded);
    } else {
      entries_ += fmt::format("{}: some of its first {} rows are altered", path, recorded);
    }
    entries_ += gap_separator;
  }

  h5::File trace_;
  std::string gap_;
  std::string entries_;
};

}  // namespace

std::string copy_earlier_rows(std::filesystem::path const& folder,
                              std::vector<engine::StageInfo> const& hosted,
                              std::vector<engine::RecordedTables> const& recorded,
                              TraceShard& shard) {
  using namespace engine;
  EarlierRows earlier(folder);
  for (std::size_t i = 0; i < hosted.size(); ++i) {
    int const place = static_cast<int>(i);
    int const pipeline = hosted[i].pipeline;
    RecordedTables const& of_stage = recorded[i];
    std::string const group = stages_path(pipeline) + "/" + stage_name(hosted[i].stage);
    earlier.copy<StepRow>(group + "/steps", of_stage.steps,
                          [&](auto rows) { shard.steps(place, rows); });
    earlier.copy<EventRow>(group + "/events", of_stage.events,
                           [&](auto rows) { shard.events(place, rows); });
    earlier.copy<StaleReadRow>(group + "/stale_read", of_stage.stale_reads,
                               [&](auto rows) { shard.stale_reads(place, rows); });
    earlier.copy<LossRow>(
        "/loss", of_stage.losses, LossRow{.pipeline = pipeline},
        [&](auto rows) { shard.losses(place, rows); },
        [&](LossRow const& row) { return row.pipeline == pipeline; });
    earlier.copy<ObjectiveRow>("/objective", of_stage.objectives,
                               [&](auto rows) { shard.objectives(rows); });
    earlier.copy<ObjectiveRow>("/validation", of_stage.validations,
                               [&](auto rows) { shard.validations(rows); });
  }
  shard.sync();
  return earlier.gap();
}

std::int32_t copy_earlier_ranks(std::filesystem::path const& folder, TraceShard& shard) {
  std::int32_t starts = 0;
  read_rows<engine::RankRow>(folder, "ranks", [&](std::span<engine::RankRow const> rows) {
    shard.ranks(rows);
    starts = rows.back().start + 1;
  });
  return starts;
}

}  // namespace quartic::io
