#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quartic/engine/checkpoint.hpp"

namespace quartic::io {

/// A parameter of a stage's block, under whose name its checkpoint shows it.
struct NamedPart {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t offset = 0;  ///< elements from the start of the block
};

/// What the manifest of a checkpoint says. It is written last, so a checkpoint that has one is
/// whole; it names each file with its length and checksum.
struct CheckpointManifest {
  struct File {
    std::uint32_t checksum = 0;  ///< CRC-32
    std::uint64_t bytes = 0;
  };
  engine::Checkpoint checkpoint;
  std::map<std::string, std::string> about;  ///< what the run says of itself: words to a line each
  std::map<std::string, File> files;
};

/// `FOLDER/checkpoint`: one folder a checkpoint, named by its position, with a file a stage
/// (`PPPP-SSSS.h5`, pipeline and stage) and `manifest`. It is written as `POSITION.part`, synced
/// and renamed; then those before it are removed, but for the one that a longer run can continue
/// from.
class CheckpointFolder final : public engine::CheckpointStore {
 public:
  /// Each rank. `parts`: of a stage that this rank hosts. `about`: for the manifest.
  CheckpointFolder(std::filesystem::path const& run,
                   std::function<std::vector<NamedPart>(engine::Seat)> parts,
                   std::map<std::string, std::string> about);
  ~CheckpointFolder() override;
  CheckpointFolder(CheckpointFolder const&) = delete;
  CheckpointFolder& operator=(CheckpointFolder const&) = delete;

  void save(std::int64_t position, engine::Seat seat, State const& state) override;
  std::int64_t written() override;
  void finish() override;
  void commit(engine::Checkpoint const& checkpoint, std::int64_t lasting) override;
  void restore(std::int64_t position, engine::Seat seat, State const& state) override;

  /// Positions of the whole checkpoints of a run folder, the newest first.
  static std::vector<std::int64_t> positions(std::filesystem::path const& run);
  /// UsageError where it is missing or damaged.
  static CheckpointManifest manifest(std::filesystem::path const& run, std::int64_t position);
  /// Whether a run folder has a whole checkpoint, damaged or not.
  static bool any(std::filesystem::path const& run);
  /// UsageError unless the files of these seats are as the manifest says, byte for byte.
  static void verify(std::filesystem::path const& run, CheckpointManifest const& manifest,
                     std::span<engine::Seat const> seats);
  /// Rank 0, while no rank writes one: what a run leaves that ends before one is whole, or before
  /// all of one is removed.
  static void remove_parts(std::filesystem::path const& run);
  /// Rank 0, before the run continues from `position`: checkpoints beyond it are of another end.
  static void remove_beyond(std::filesystem::path const& run, std::int64_t position);
  /// What a stage had recorded by then.
  static engine::RecordedTables recorded(std::filesystem::path const& run, std::int64_t position,
                                         engine::Seat seat);

 private:
  void start_syncing();

  std::filesystem::path folder_;
  std::function<std::vector<NamedPart>(engine::Seat)> parts_;
  std::map<std::string, std::string> about_;
  std::int64_t saved_ = -1;                   // position of the last
  std::int64_t written_ = -1;                 // of the last that is on the disk
  std::vector<std::filesystem::path> files_;  // of the last, that are not being synced yet
  std::future<void> syncing_;
};

/// The text of a manifest, and back: UsageError, with `path` in it, for anything that is not one.
std::string manifest_text(CheckpointManifest const& manifest);
CheckpointManifest parse_manifest(std::string const& text, std::string const& path);

}  // namespace quartic::io
