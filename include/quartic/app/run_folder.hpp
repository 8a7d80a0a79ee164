#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace quartic::app {

/// An advisory lock on a file, held until the object or the process ends.
class FileLock {
 public:
  /// UsageError when somebody else holds it; says who.
  explicit FileLock(std::filesystem::path path);
  ~FileLock();
  FileLock(FileLock const&) = delete;
  FileLock& operator=(FileLock const&) = delete;
  /// Whether the file was there already: who held it last was killed.
  bool was_left() const { return was_left_; }

 private:
  std::filesystem::path path_;
  bool was_left_;
  int descriptor_ = -1;
};

/// A folder made where there was none, with its missing parents; removed again unless kept.
class NewFolder {
 public:
  explicit NewFolder(std::filesystem::path const& path);
  ~NewFolder();
  NewFolder(NewFolder const&) = delete;
  NewFolder& operator=(NewFolder const&) = delete;
  void keep() { first_created_.clear(); }

 private:
  std::filesystem::path first_created_;
};

/// The folder of one run, locked while it is in use. Rank 0 owns it. A folder that did not exist is
/// removed again unless keep() is called: the user's mistakes leave no half-written run folder.
class RunFolder {
 public:
  /// UsageError when the folder cannot be made or written, is in use, holds a finished run (unless
  /// `overwrite`), or has less room than `expected_bytes`. An unfinished run is replaced.
  RunFolder(std::filesystem::path const& path, bool overwrite, std::int64_t expected_bytes);

  /// To go on with the run that is in it: nothing is removed. UsageError when there is none, or it
  /// is in use.
  explicit RunFolder(std::filesystem::path const& path);

  std::filesystem::path const& path() const { return path_; }
  void write_config(std::string const& ini) const;
  /// From here on the run has begun: its files stay, whatever happens.
  void keep() { folder_.keep(); }

 private:
  void refuse_what_is_there(bool overwrite) const;
  void require_room(std::int64_t expected_bytes) const;
  void remove_run() const;

  std::filesystem::path path_;
  NewFolder folder_;
  FileLock lock_;
};

}  // namespace quartic::app
