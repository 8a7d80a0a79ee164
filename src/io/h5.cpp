#include "quartic/io/h5.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "quartic/core/check.hpp"

namespace quartic::io::h5 {
namespace {

// The first entry is the innermost. Entries made where a system call failed end in
// "error message = 'No space left on device', …".
herr_t read_entry(unsigned number, H5E_error2_t const* entry, void* target) {
  std::string& reason = *static_cast<std::string*>(target);
  std::string const text = entry->desc != nullptr ? entry->desc : "";
  std::string const mark = "error message = '";
  if (auto const at = text.find(mark); at != std::string::npos) {
    auto const begin = at + mark.size();
    reason = text.substr(begin, text.find('\'', begin) - begin);
    return 1;
  }
  if (number == 0) reason = text;
  return 0;
}

bool lock_refused() {
  bool refused = false;
  auto const look = [](unsigned, H5E_error2_t const* entry, void* target) -> herr_t {
    if (entry->desc != nullptr &&
        std::string(entry->desc).find("unable to lock") != std::string::npos) {
      *static_cast<bool*>(target) = true;
    }
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, look, &refused);
  return refused;
}

// Everything begins with a file, so this is where the library's own printing is switched off, and
// its cleaning up at exit, which crashes over a file that a full disk kept from closing.
void prepare_library() {
  static bool const silent = [] {
    H5dont_atexit();  // refused if the library is in use already, which does no harm
    return H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  }();
  if (!silent) failure("H5Eset_auto2 failed");
}

Handle newest_format() {
  Handle properties{H5Pcreate(H5P_FILE_ACCESS), H5Pclose};
  H5Pset_libver_bounds(properties.id(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  return properties;
}

}  // namespace

std::string reason() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, read_entry, &text);
  return text;
}

void fail(char const* call, std::filesystem::path const& file) {
  std::string const why = reason();
  if (lock_refused()) {
    failure(
        "{}: {} failed: {}; either another process has the file open, or its file system has no "
        "locks; in the second case, set HDF5_USE_FILE_LOCKING=FALSE",
        file.string(), call, why);
  }
  failure("{}: {} failed: {}", file.string(), call, why);
}

File File::create(std::filesystem::path const& path) {
  prepare_library();
  Handle const access = newest_format();
  // Rows only ever go to the last chunk, so a megabyte of cache a table would be a waste. It is set
  // for the file, because H5Fstart_swmr_write forgets what was set for a dataset.
  H5Pset_cache(access.id(), 0, 7, 2 * chunk_bytes, 1.0);
  hid_t const id = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.id());
  if (id < 0 && !lock_refused()) {
    usage_error("{}: cannot be created: {}; a run needs a writable folder", path.string(),
                reason());
  }
  if (id < 0) fail("H5Fcreate", path);
  return {path, Handle{id, H5Fclose}};
}

File File::open(std::filesystem::path const& path, unsigned flags) {
  prepare_library();
  Handle const access = newest_format();
  hid_t const id = H5Fopen(path.c_str(), flags, access.id());
  if (id < 0) fail("H5Fopen", path);
  return {path, Handle{id, H5Fclose}};
}

// The shard of a killed run keeps the mark of its writer, so only a SWMR reader may open it. For
// such a reader HDF5 takes damage for a write under way, and reads again, for minutes; and what is
// missing at the end for zeros.
File File::open_left_behind(std::filesystem::path const& path) {
  prepare_library();
  Handle const access = newest_format();
  H5Pset_metadata_read_attempts(access.id(), 1);
  hid_t const id = H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access.id());
  if (id < 0) fail("H5Fopen", path);
  File file{path, Handle{id, H5Fclose}};
  haddr_t end = 0;
  file.check(H5Fget_eoa(file.id(), &end), "H5Fget_eoa");
  auto const size = std::filesystem::file_size(path);
  if (size < end) failure("{}: is truncated: it has {} of {} bytes", path.string(), size, end);
  return file;
}

// HDF5 goes on when something cannot be written, and ends with the file's new length in its head;
// then the file is shorter than it says, and nobody can open it. So what can fail comes first.
void File::flush() const {
  for (hid_t const dataset : open_datasets()) check(H5Dflush(dataset), "H5Dflush");
  make_room();
  check(H5Fflush(id(), H5F_SCOPE_GLOBAL), "H5Fflush");
}

std::vector<hid_t> File::open_datasets() const {
  auto const count = check(H5Fget_obj_count(id(), H5F_OBJ_DATASET), "H5Fget_obj_count");
  std::vector<hid_t> datasets(static_cast<std::size_t>(count));
  if (datasets.empty()) return datasets;  // HDF5 refuses an empty list
  check(H5Fget_obj_ids(id(), H5F_OBJ_DATASET, datasets.size(), datasets.data()), "H5Fget_obj_ids");
  return datasets;
}

/// The file is as long as its head will say.
void File::make_room() const {
  haddr_t end = 0;
  check(H5Fget_eoa(id(), &end), "H5Fget_eoa");
  auto const size = std::filesystem::file_size(path_);
  if (size >= end) return;
  int* descriptor = nullptr;
  check(H5Fget_vfd_handle(id(), H5P_DEFAULT, reinterpret_cast<void**>(&descriptor)),
        "H5Fget_vfd_handle");
  int error = EINTR;  // a batch system's signals come at any time
  while (error == EINTR) {
    error = posix_fallocate(*descriptor, static_cast<off_t>(size), static_cast<off_t>(end - size));
  }
  if (error != 0)
    failure("{}: no space for {} bytes: {}", path_.string(), end, std::strerror(error));
}

void File::close() {
  check(handle_.close(), "H5Fclose");
}

Handle File::create_group(hid_t parent, std::string const& name) const {
  return own(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose,
             "H5Gcreate2");
}

Handle File::open_group(hid_t parent, std::string const& name) const {
  return own(H5Gopen2(parent, name.c_str(), H5P_DEFAULT), H5Gclose, "H5Gopen2");
}

Handle File::open_dataset(hid_t parent, std::string const& name) const {
  return own(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), H5Dclose, "H5Dopen2");
}

Handle File::ensure_group(std::string const& path) const {
  for (std::size_t end = 1; end != std::string::npos;) {
    end = path.find('/', end + 1);
    std::string const part = path.substr(0, end);
    if (!has_link(id(), part)) create_group(id(), part);
  }
  return open_group(id(), path);
}

bool File::has_link(hid_t parent, std::string const& name) const {
  return check(H5Lexists(parent, name.c_str(), H5P_DEFAULT), "H5Lexists") > 0;
}

std::vector<std::string> File::names(hid_t group) const {
  std::vector<std::string> all;
  auto const add = [](hid_t, char const* name, H5L_info_t const*, void* target) -> herr_t {
    static_cast<std::vector<std::string>*>(target)->emplace_back(name);
    return 0;
  };
  check(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &all), "H5Literate");
  return all;
}

}  // namespace quartic::io::h5
