#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "quartic/engine/records.hpp"

namespace quartic::io {

/// What the root attributes of trace.h5 say of a run; the same on every rank.
struct RunInfo {
  std::string method;
  int stages = 0;
  int ranks = 1;
  int pipelines = 1;
  std::string time_unit;
  bool events = false;     ///< stages have an `events` table
  int loss_rank = 0;       ///< the rank whose shard holds /loss of pipeline 0
  int objective_rank = 0;  ///< the rank whose shard holds /objective
  /// config, config_hash, git, data_checksum, cpu, blas_core, compiler, flags, blas, device,
  /// products (what computes the dense ones), mpi, hosts, started, cost, and slurm_* under Slurm:
  /// written as text attributes under these names.
  std::map<std::string, std::string> attributes;
  /// The microbatches of the planned steady state.
  std::int64_t steady_first = 0;
  std::int64_t steady_end = 0;
  bool stale_reads = false;  ///< the stages of pipeline 0 have a `stale_read` table
  int validation_rank = -1;  ///< the rank whose shard holds /validation; -1: there is none
  std::vector<engine::RankRow> rank_rows;  ///< of this start
};

/// One rank's shard, `FOLDER/ranks/RRRR.h5`: an HDF5 file in SWMR mode with the tables of the
/// stages this rank hosts, readable while it is written and after a crash up to the last flush.
class TraceShard final : public engine::RecordSink {
 public:
  /// Every rank, its own `rank`, before or after rank 0's write_master(). `hosted` are this rank's
  /// stages. Throws UsageError if FOLDER cannot be written; every other error here and below is a
  /// Failure that names the file and the system's reason (a full disk, a refused lock).
  TraceShard(std::filesystem::path const& folder, int rank,
             std::vector<engine::StageInfo> const& hosted, RunInfo const& info);
  ~TraceShard() override;
  TraceShard(TraceShard const&) = delete;
  TraceShard& operator=(TraceShard const&) = delete;

  void steps(int place, std::span<engine::StepRow const> rows) override;
  void events(int place, std::span<engine::EventRow const> rows) override;
  void losses(int place, std::span<engine::LossRow const> rows) override;
  void stale_reads(int place, std::span<engine::StaleReadRow const> rows) override;
  void objectives(std::span<engine::ObjectiveRow const> rows) override;
  void validations(std::span<engine::ObjectiveRow const> rows) override;
  void memory(engine::MemoryRow const& row) override;
  /// Rank 0: appends to /ranks.
  void ranks(std::span<engine::RankRow const> rows);
  void flush() override;
  void sync() override;
  /// Flushes and closes, and throws if that fails; nothing may be appended after it. The destructor
  /// does the same, silently.
  void close();

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

/// Shards of an earlier start that could not be read to their end, in the run folder.
inline constexpr char const* damaged_shards = "ranks.damaged";
/// The root attribute that says which rows a damaged trace has cost: entries with this between.
inline constexpr char const* gap_attribute = "gap";
inline constexpr char const* gap_separator = "; ";

/// Rank 0, when a run goes on from a checkpoint: gather(), and where a shard is damaged or missing
/// the rows that can be read; the shards are kept as `damaged_shards`.
void gather_what_is_left(std::filesystem::path const& folder);

/// Each rank, when a run goes on from a checkpoint: gives its shard the rows that its stages had
/// recorded by then (by place) of the earlier part's gathered `FOLDER/trace.h5`. What the earlier
/// part recorded after the checkpoint is left behind. Rows that cannot be read become undefined
/// ones; returns the entries of the trace's gap for them, and for tables whose rows are not, to the
/// last bit, those that the checkpoint knows.
std::string copy_earlier_rows(std::filesystem::path const& folder,
                              std::vector<engine::StageInfo> const& hosted,
                              std::vector<engine::RecordedTables> const& recorded,
                              TraceShard& shard);

/// Rank 0, when a run goes on: gives its shard the /ranks of the earlier starts, and returns how
/// many starts those are. A trace of an earlier version has none.
std::int32_t copy_earlier_ranks(std::filesystem::path const& folder, TraceShard& shard);

/// Rank 0, before the run: `FOLDER/trace.h5`, whose root attributes are `info` and whose stage
/// groups and tables are external links into the shards, so that HDF5 readers in SWMR mode see the
/// run while it goes on; /ranks is rank 0's, and /memory until the run is gathered. `stages` lists
/// all stages of the run. FOLDER is made if it is missing and must hold no shards of an earlier
/// run; UsageError if it cannot be written.
void write_master(std::filesystem::path const& folder, RunInfo const& info,
                  std::vector<engine::StageInfo> const& stages);

/// Rank 0, after every shard is closed: replaces the master by one self-contained file (written
/// aside, synced, renamed) with /stale_read, which is the sum of its stages' parts, sets `complete`
/// and `finished` (when the run last wrote, UTC), and removes the shards. Also the work of `quartic
/// gather DIR`, which passes complete = false: the trace is complete all the same where the run was
/// (`complete_mark`). A run that is gathered already is left as it is. UsageError if FOLDER holds
/// no trace.h5 or its run still writes; after a Failure the shards are where they were.
void gather(std::filesystem::path const& folder, bool complete);

}  // namespace quartic::io
