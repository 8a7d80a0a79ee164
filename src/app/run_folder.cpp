#include "quartic/app/run_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <ranges>
#include <system_error>
#include <utility>

#include "quartic/app/parameters.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/checkpoint.hpp"
#include "quartic/io/disk.hpp"
#include "quartic/io/trace_state.hpp"

namespace quartic::app {

namespace fs = std::filesystem;

namespace {

/// What a run leaves in its folder.
constexpr std::array run_files{"config.ini",
                               "config.ini.part",
                               "trace.h5",
                               "trace.h5.part",
                               "trace.h5.new",
                               "ranks",
                               "ranks.damaged",
                               "log",
                               "checkpoint",
                               parameters_file,
                               unfinished_parameters_file,
                               optimizer_file,
                               unfinished_optimizer_file};

/// The first word of a lock file.
constexpr char const* owner_mark = "process ";

/// What removing the earlier run gives back.
std::uintmax_t bytes_below(fs::path const& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return fs::file_size(path);
  if (!fs::is_directory(path, ignored)) return 0;
  std::uintmax_t bytes = 0;
  for (fs::directory_entry const& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

/// Whether what is open is what has this name.
bool is_at(fs::path const& path, int descriptor) {
  struct stat named = {};
  struct stat opened = {};
  return stat(path.c_str(), &named) == 0 && fstat(descriptor, &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

std::string host_and_process() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return fmt::format("{}{} on {}", owner_mark, getpid(), host.data());
}

/// errno where it fails. A file system may have no locks.
int lock(int descriptor) {
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return 0;
  if (errno != ENOSYS && errno != ENOLCK && errno != EOPNOTSUPP) return errno;
  fmt::print(stderr,
             "quartic: the file system of the run folder has no locks ({}): make sure that no "
             "other run uses this folder\n",
             std::strerror(errno));
  return 0;
}

std::string content_of(fs::path const& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whoever can write in a shared folder could have any file of the user's overwritten.
[[noreturn]] void refuse_link(fs::path const& path) {
  usage_error("{}: is a symbolic link, which no run creates; remove it, or give another folder",
              path.string());
}

int open_locked(fs::path const& path) {
  int const descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (descriptor < 0 && errno == ELOOP) refuse_link(path);
  if (descriptor < 0) usage_error("{}: cannot be written: {}", path.string(), std::strerror(errno));
  if (int const error = lock(descriptor)) {
    std::string const owner = content_of(path);
    close(descriptor);
    if (error != EWOULDBLOCK)
      usage_error("{}: cannot be locked: {}", path.string(), std::strerror(error));
    usage_error("{}: the run folder is in use by {}", path.parent_path().string(),
                owner.empty() ? "another process" : owner);
  }
  return descriptor;
}

}  // namespace

FileLock::FileLock(fs::path path)
    : path_(std::move(path)), was_left_(content_of(path_).starts_with(owner_mark)) {
  if (fs::is_symlink(path_)) refuse_link(path_);
  if (!was_left_ && !content_of(path_).empty())
    usage_error("{}: was not written by a run; give another folder", path_.string());
  descriptor_ = open_locked(path_);
  // Its last owner may have removed it between the two: then the next one would make another.
  while (!is_at(path_, descriptor_)) {
    close(descriptor_);
    descriptor_ = open_locked(path_);
  }
  std::string const owner = host_and_process();
  if (ftruncate(descriptor_, 0) != 0 || write(descriptor_, owner.data(), owner.size()) < 0)
    usage_error("{}: cannot be written: {}", path_.string(), std::strerror(errno));
}

FileLock::~FileLock() {
  std::error_code ignored;
  if (!was_left_) fs::remove(path_, ignored);
  close(descriptor_);
}

NewFolder::NewFolder(fs::path const& path) {
  std::error_code error;
  if (fs::exists(path, error)) {
    if (!fs::is_directory(path)) usage_error("--out {}: is not a folder", path.string());
    return;
  }
  fs::path part;
  for (fs::path const& name : fs::absolute(path)) {
    part /= name;
    // Another process may make the same: it is theirs then, and they may be at work in it.
    if (fs::create_directory(part, error)) made_.push_back(part);
  }
  if (!fs::is_directory(path))
    usage_error("--out {}: cannot be created: {}", path.string(), error.message());
}

NewFolder::~NewFolder() {
  std::error_code not_empty;
  for (fs::path const& made : std::views::reverse(made_)) fs::remove(made, not_empty);
}

RunFolder::RunFolder(fs::path const& path) : path_(path), folder_(path), lock_(path / "lock") {}

RunFolder::~RunFolder() {
  if (!begins_) return;
  remove_run();
  if (again_) lock_.leave();  // beside the config.ini that stays
}

void RunFolder::begin(bool overwrite, bool again, std::int64_t expected_bytes) {
  again_ = again;
  refuse_what_is_there(overwrite);
  require_room(expected_bytes);
  begins_ = true;
  if (std::error_code const error = remove_run())
    usage_error("--out {}: the run in it cannot be removed: {}", path_.string(), error.message());
  fs::create_directories(path_ / "ranks");
}

void RunFolder::keep() {
  begins_ = false;
  folder_.keep();
  lock_.settle();
}

void RunFolder::refuse_what_is_there(bool overwrite) const {
  if (!overwrite && io::is_complete(path_)) {
    usage_error("--out {}: contains a finished run; give another folder, or --overwrite",
                path_.string());
  }
  if (!overwrite && io::CheckpointFolder::any(path_)) {
    usage_error(
        "--out {}: contains a run with a checkpoint; --resume {} continues it, --overwrite "
        "replaces it",
        path_.string(), path_.string());
  }
  // A run that was killed before it had a trace has left its lock.
  if (lock_.was_left() || fs::is_regular_file(path_ / "trace.h5")) return;
  for (char const* const name : run_files) {
    if (!stays(name) && fs::exists(path_ / name))
      usage_error("--out {}: contains a {} that was not written by a run; give another folder",
                  path_.string(), name);
  }
}

void RunFolder::require_room(std::int64_t expected_bytes) const {
  std::error_code error;
  auto room = fs::space(path_, error).available;
  for (char const* const name : run_files) room += bytes_below(path_ / name);
  if (error || room >= static_cast<std::uintmax_t>(expected_bytes)) return;
  usage_error(
      "--out {}: the trace needs about {:.3g} MB, but {:.3g} MB are free; raise --trace-every, or "
      "give a folder on another file system",
      path_.string(), static_cast<double>(expected_bytes) / 1e6, static_cast<double>(room) / 1e6);
}

bool RunFolder::stays(std::string_view name) const {
  return again_ && name == "config.ini";
}

/// What an earlier run left; the lock is ours.
std::error_code RunFolder::remove_run() const {
  std::error_code last;
  for (char const* const name : run_files) {
    if (stays(name)) continue;
    std::error_code error;
    fs::remove_all(path_ / name, error);
    if (error) last = error;
  }
  return last;
}

void RunFolder::write_config(std::string const& ini) const {
  fs::path const file = path_ / "config.ini";
  // Aside first: on a full disk a run that goes on must not lose the one it has.
  fs::path const aside = path_ / "config.ini.part";
  std::ofstream out(aside);
  out << ini << std::flush;
  if (!out) usage_error("{}: cannot be written: {}", file.string(), std::strerror(errno));
  io::put_in_place(aside, file);
}

}  // namespace quartic::app
