#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "quartic/engine/records.hpp"

namespace quartic::io {

/// What the root attributes of trace.h5 say of a run (trace.md); the same on every rank.
struct RunInfo {
  std::string method;
  int stages = 0;
  int ranks = 1;
  std::string time_unit;
  bool events = false;  ///< stages have an `events` table
  int loss_rank = 0;       ///< the rank whose shard holds /loss
  int objective_rank = 0;  ///< the rank whose shard holds /objective
  /// config, config_hash, git, data_checksum, cpu, blas_core, compiler, flags, blas, mpi, hosts,
  /// started, cost, and slurm_* under Slurm: written as text attributes under these names.
  std::map<std::string, std::string> attributes;
};

/// One rank's shard, `FOLDER/ranks/RRRR.h5`: an HDF5 file in SWMR mode with the tables of the
/// stages this rank hosts, readable while it is written and after a crash up to the last flush.
class TraceShard final : public engine::RecordSink {
 public:
  /// Every rank, its own `rank`. The folder `FOLDER/ranks` exists.
  TraceShard(std::filesystem::path const& folder, int rank,
             std::vector<engine::StageInfo> const& hosted, RunInfo const& info);
  ~TraceShard() override;
  TraceShard(TraceShard const&) = delete;
  TraceShard& operator=(TraceShard const&) = delete;

  void steps(int stage, std::span<engine::StepRow const> rows) override;
  void events(int stage, std::span<engine::EventRow const> rows) override;
  void losses(std::span<engine::LossRow const> rows) override;
  void objectives(std::span<engine::ObjectiveRow const> rows) override;
  void memory(engine::MemoryRow const& row) override;
  void flush() override;
  /// Flushes and closes; nothing may be appended after it. The destructor does the same, silently.
  void close();

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

/// Rank 0, before the run: `FOLDER/trace.h5`, whose root attributes are `info` and whose stage
/// groups and tables are external links into the shards. `stages` lists all stages of the run.
void write_master(std::filesystem::path const& folder, RunInfo const& info,
                  std::vector<engine::StageInfo> const& stages);

/// Rank 0, after every shard is closed: replaces the master by one self-contained file (written
/// aside, synced, renamed) with `complete` and `finished` set, and removes the shards. Also the work
/// of `quartic gather DIR`, which passes complete = false for a run that died.
void gather(std::filesystem::path const& folder, bool complete);

}  // namespace quartic::io
