#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace quartic::io {

/// The root attribute `format_version` of trace.h5; readers refuse others.
inline constexpr std::int64_t trace_format_version = 1;

/// `FOLDER/ranks`, made if it is missing; a UsageError names what stands in the way.
std::filesystem::path make_shard_folder(std::filesystem::path const& folder);

/// `ranks/RRRR.h5`, relative to the run folder.
std::filesystem::path shard_name(int rank);

/// `NNNN`: the group of a stage, in the group of its pipeline's stages: `/stage` for pipeline 0,
/// `/pipeline/PPPP/stage` for the others.
std::string stage_name(int stage);
std::string stages_path(int pipeline);

/// A pipeline's losses in a shard; gathered, all are in `/loss`.
std::string losses_path(int pipeline);

/// Held by the writer of a shard as long as it lives, so that nobody gathers a run that still
/// writes. The kernel lets go of it when the process dies. Where a file system has no locks it
/// guards nothing.
class ShardLock {
 public:
  explicit ShardLock(std::filesystem::path const& shard);
  ~ShardLock();
  ShardLock(ShardLock const&) = delete;
  ShardLock& operator=(ShardLock const&) = delete;

  static bool held(std::filesystem::path const& shard);

 private:
  int descriptor_;
};

}  // namespace quartic::io
