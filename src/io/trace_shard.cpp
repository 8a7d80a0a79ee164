#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/io/disk.hpp"
#include "quartic/io/shard_files.hpp"
#include "quartic/io/table.hpp"
#include "quartic/io/trace.hpp"

namespace quartic::io {
namespace {

// A table and the type of its rows, made once.
template <class Row>
class RowTable {
 public:
  RowTable(h5::File const& file, hid_t parent, std::string const& name)
      : row_(h5::row_type<Row>()), table_(create(file, parent, name)) {}

  void append(h5::File const& file, std::span<Row const> rows) {
    table_.append(file, row_.id(), rows.data(), rows.size());
  }

 private:
  h5::Table create(h5::File const& file, hid_t parent, std::string const& name) const {
    Row const blank;
    return h5::Table::create(file, parent, name, row_, &blank);
  }
  h5::Handle row_;
  h5::Table table_;
};

struct StageTables {
  RowTable<engine::StepRow> steps;
  std::optional<RowTable<engine::EventRow>> events;
  std::optional<RowTable<engine::LossRow>> losses;  // of a last stage
  std::optional<RowTable<engine::StaleReadRow>> stale_reads;
};

StageTables create_stage(h5::File const& file, hid_t parent, engine::StageInfo const& stage,
                         RunInfo const& info) {
  h5::Handle const group = file.create_group(parent, stage_name(stage.stage));
  file.set_integer(group.id(), "rank", stage.rank);
  file.set_integer(group.id(), "parameters", stage.parameters);
  file.set_integer(group.id(), "parameter_bytes", stage.parameter_bytes);
  StageTables tables{{file, group.id(), "steps"}, {}, {}, {}};
  if (info.events) tables.events.emplace(file, group.id(), "events");
  if (info.stale_reads && stage.pipeline == 0) {
    tables.stale_reads.emplace(file, group.id(), "stale_read");
  }
  if (stage.stage + 1 == info.stages) {
    tables.losses.emplace(file, file.id(), losses_path(stage.pipeline));
  }
  return tables;
}

template <class Row>
std::optional<RowTable<Row>> create_if(bool wanted, h5::File const& file, char const* name) {
  if (!wanted) return {};
  return std::optional<RowTable<Row>>(std::in_place, file, file.id(), name);
}

}  // namespace

// The order of the members is the order of closing, backwards: the file after its tables.
struct TraceShard::Tables {
  Tables(std::filesystem::path const& path, int rank, std::vector<engine::StageInfo> const& hosted,
         RunInfo const& info)
      : file(h5::File::create(path)),
        objectives(create_if<engine::ObjectiveRow>(rank == info.objective_rank, file, "objective")),
        validations(
            create_if<engine::ObjectiveRow>(rank == info.validation_rank, file, "validation")),
        memory(file, file.id(), "memory"),
        ranks(create_if<engine::RankRow>(rank == 0, file, "ranks")) {
    for (engine::StageInfo const& stage : hosted) {
      h5::Handle const parent = file.ensure_group(stages_path(stage.pipeline));
      stages.push_back(create_stage(file, parent.id(), stage, info));
    }
  }

  h5::File file;
  std::vector<StageTables> stages;  // by place
  std::optional<RowTable<engine::ObjectiveRow>> objectives;
  std::optional<RowTable<engine::ObjectiveRow>> validations;
  RowTable<engine::MemoryRow> memory;
  std::optional<RowTable<engine::RankRow>> ranks;
  std::optional<ShardLock> lock;
};

TraceShard::TraceShard(std::filesystem::path const& folder, int rank,
                       std::vector<engine::StageInfo> const& hosted, RunInfo const& info) {
  make_shard_folder(folder);
  std::filesystem::path const path = folder / shard_name(rank);
  tables_ = std::make_unique<Tables>(path, rank, hosted, info);
  tables_->file.check(H5Fstart_swmr_write(tables_->file.id()), "H5Fstart_swmr_write");
  tables_->lock.emplace(path);
}

/// One that is still open belongs to a run that failed. HDF5 would close it with a length in its
/// head that a full disk may not have given it, and then nobody could open it again; left open it
/// is as after its last flush, like that of a process that was killed.
TraceShard::~TraceShard() {
  static auto& left_open = *new std::vector<std::unique_ptr<Tables>>;  // NOLINT: never closed
  if (tables_) left_open.push_back(std::move(tables_));
}

void TraceShard::steps(int place, std::span<engine::StepRow const> rows) {
  QUARTIC_ASSERT(tables_ != nullptr);
  tables_->stages.at(static_cast<std::size_t>(place)).steps.append(tables_->file, rows);
}

void TraceShard::events(int place, std::span<engine::EventRow const> rows) {
  QUARTIC_ASSERT(tables_ != nullptr);
  tables_->stages.at(static_cast<std::size_t>(place)).events.value().append(tables_->file, rows);
}

void TraceShard::losses(int place, std::span<engine::LossRow const> rows) {
  QUARTIC_ASSERT(tables_ != nullptr);
  tables_->stages.at(static_cast<std::size_t>(place)).losses.value().append(tables_->file, rows);
}

void TraceShard::stale_reads(int place, std::span<engine::StaleReadRow const> rows) {
  QUARTIC_ASSERT(tables_ != nullptr);
  tables_->stages.at(static_cast<std::size_t>(place))
      .stale_reads.value()
      .append(tables_->file, rows);
}

void TraceShard::objectives(std::span<engine::ObjectiveRow const> rows) {
  QUARTIC_ASSERT(tables_ != nullptr);
  tables_->objectives.value().append(tables_->file, rows);
}

void TraceShard::validations(std::span<engine::ObjectiveRow const> rows) {
  QUARTIC_ASSERT(tables_ != nullptr);
  tables_->validations.value().append(tables_->file, rows);
}

void TraceShard::memory(engine::MemoryRow const& row) {
  QUARTIC_ASSERT(tables_ != nullptr);
  tables_->memory.append(tables_->file, {&row, 1});
}

void TraceShard::ranks(std::span<engine::RankRow const> rows) {
  QUARTIC_ASSERT(tables_ != nullptr);
  tables_->ranks.value().append(tables_->file, rows);
}

void TraceShard::flush() {
  QUARTIC_ASSERT(tables_ != nullptr);
  tables_->file.flush();
}

void TraceShard::sync() {
  flush();
  sync_to_disk(tables_->file.path());
}

void TraceShard::close() {
  if (!tables_) return;
  flush();
  h5::File file = std::move(tables_->file);
  tables_.reset();
  file.close();
}

}  // namespace quartic::io
