#include "quartic/io/shard_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "quartic/core/check.hpp"

namespace quartic::io {

namespace fs = std::filesystem;

fs::path make_shard_folder(fs::path const& folder) {
  fs::path ranks = folder / "ranks";
  std::error_code error;
  fs::create_directories(ranks, error);
  if (error) {
    usage_error("{}: cannot be created: {}; a run needs a writable folder", ranks.string(),
                error.message());
  }
  return ranks;
}

fs::path shard_name(int rank) {
  return fmt::format("ranks/{:04}.h5", rank);
}

std::string stage_name(int stage) {
  return fmt::format("{:04}", stage);
}

namespace {

std::string pipeline_path(int pipeline) {
  return pipeline == 0 ? "" : fmt::format("/pipeline/{:04}", pipeline);
}

}  // namespace

std::string stages_path(int pipeline) {
  return pipeline_path(pipeline) + "/stage";
}

std::string losses_path(int pipeline) {
  return pipeline_path(pipeline) + "/loss";
}

ShardLock::ShardLock(fs::path const& shard)
    : descriptor_(::open(shard.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ >= 0) ::flock(descriptor_, LOCK_SH | LOCK_NB);
}

ShardLock::~ShardLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool ShardLock::held(fs::path const& shard) {
  int const descriptor = ::open(shard.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return false;
  // A reader of the live run has a lock too, while HDF5 opens the file.
  constexpr int looks = 50;
  constexpr auto between_looks = std::chrono::milliseconds(20);
  bool refused = true;
  for (int look = 0; refused && look < looks; ++look) {
    if (look > 0) std::this_thread::sleep_for(between_looks);
    refused = ::flock(descriptor, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
  }
  ::close(descriptor);
  return refused;
}

}  // namespace quartic::io
