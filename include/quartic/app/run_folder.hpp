#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace quartic::app {

/// An advisory lock on a file, held until the object or the process ends. Where the file system has
/// no locks, a line says so.
class FileLock {
 public:
  /// UsageError when somebody else holds it; says who.
  explicit FileLock(std::filesystem::path path);
  ~FileLock();
  FileLock(FileLock const&) = delete;
  FileLock& operator=(FileLock const&) = delete;
  /// Whether one who held it was killed, and has left it. It is left again until this is settled.
  bool was_left() const { return was_left_; }
  void settle() { was_left_ = false; }
  void leave() { was_left_ = true; }

 private:
  std::filesystem::path path_;
  bool was_left_;
  int descriptor_ = -1;
};

/// A folder made where there was none, with its missing parents. Those that this process has made
/// are removed again, as far as they are empty, unless kept.
class NewFolder {
 public:
  explicit NewFolder(std::filesystem::path const& path);
  ~NewFolder();
  NewFolder(NewFolder const&) = delete;
  NewFolder& operator=(NewFolder const&) = delete;
  void keep() { made_.clear(); }

 private:
  std::vector<std::filesystem::path> made_;  // parents first
};

/// The folder of one run, locked while it is in use. Rank 0 owns it.
class RunFolder {
 public:
  /// UsageError when the folder cannot be made or written, or is in use.
  explicit RunFolder(std::filesystem::path const& path);
  /// Unless keep() was called, what begin() has made is removed again: the user's mistakes leave no
  /// half-written run.
  ~RunFolder();
  RunFolder(RunFolder const&) = delete;
  RunFolder& operator=(RunFolder const&) = delete;

  /// Makes room for a new run; an unfinished one without a checkpoint is replaced. `again`: it is
  /// that one, begun anew, and its config.ini stays until there is another. UsageError when the
  /// folder holds a finished run or one with a checkpoint (unless `overwrite`), or what no run has
  /// left, or has less room than `expected_bytes`.
  void begin(bool overwrite, bool again, std::int64_t expected_bytes);

  std::filesystem::path const& path() const { return path_; }
  void write_config(std::string const& ini) const;
  /// From here on the run has begun: its files stay, whatever happens.
  void keep();

 private:
  void refuse_what_is_there(bool overwrite) const;
  void require_room(std::int64_t expected_bytes) const;
  bool stays(std::string_view name) const;
  std::error_code remove_run() const;

  std::filesystem::path path_;
  NewFolder folder_;
  FileLock lock_;
  bool begins_ = false;
  bool again_ = false;
};

}  // namespace quartic::app
