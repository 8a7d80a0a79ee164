#pragma once

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace quartic::io::h5 {

/// An HDF5 identifier that is closed once. The destructor closes silently; whoever must know that
/// the bytes arrived calls close().
class Handle {
 public:
  using Close = herr_t (*)(hid_t);

  Handle() = default;
  Handle(hid_t id, Close closer) : id_(id), close_(closer) {}
  Handle(Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle(Handle const&) = delete;
  Handle& operator=(Handle const&) = delete;
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() { close(); }

  hid_t id() const { return id_; }
  /// Negative if the library could not close it.
  herr_t close() {
    hid_t const id = std::exchange(id_, H5I_INVALID_HID);
    return id < 0 ? 0 : close_(id);
  }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// The size of a chunk of a growing dataset. A run of 600 rows should not leave much of it empty,
/// one of a million not make an index of millions; every open table holds two in memory, and a
/// process may hold hundreds of tables.
inline constexpr std::size_t chunk_bytes = std::size_t{1} << 15;

/// Why the last call failed: the system's reason where there is one, else the library's own.
std::string reason();

/// Throws Failure: "FILE: CALL failed: REASON", and names HDF5_USE_FILE_LOCKING where a lock was
/// refused.
[[noreturn]] void fail(char const* call, std::filesystem::path const& file);

/// An open HDF5 file, and the checks of everything done with it.
class File {
 public:
  /// An empty file in the newest format, which SWMR needs. A folder that is missing or read-only is
  /// a UsageError.
  static File create(std::filesystem::path const& path);
  /// `flags` as H5Fopen takes them.
  static File open(std::filesystem::path const& path, unsigned flags);
  /// To read what a writer in SWMR mode has left, ended or killed. Failure for a file that is
  /// damaged or shorter than it says of itself.
  static File open_left_behind(std::filesystem::path const& path);

  hid_t id() const { return handle_.id(); }
  std::filesystem::path const& path() const { return path_; }
  /// Its open datasets and itself. After a Failure the file is, for open_left_behind(), as after
  /// the flush before.
  void flush() const;
  /// Failure if the last bytes could not be written.
  void close();

  /// The result of an HDF5 call; throws Failure with the call's name where it is negative.
  template <class Result>
  Result check(Result result, char const* call) const {
    if (result < 0) fail(call, path_);
    return result;
  }
  /// The same for a call that opens something.
  Handle own(hid_t id, Handle::Close closer, char const* call) const {
    return {check(id, call), closer};
  }

  Handle create_group(hid_t parent, std::string const& name) const;
  Handle open_group(hid_t parent, std::string const& name) const;
  Handle open_dataset(hid_t parent, std::string const& name) const;
  /// The group at an absolute path, made with its parents where they are missing.
  Handle ensure_group(std::string const& path) const;
  bool has_link(hid_t parent, std::string const& name) const;
  /// The names in a group, in order.
  std::vector<std::string> names(hid_t group) const;
  /// Reads or replaces an integer attribute.
  std::int64_t integer(hid_t object, std::string const& name) const;
  void set_integer(hid_t object, std::string const& name, std::int64_t value) const;
  /// The same of a floating-point attribute.
  double number(hid_t object, std::string const& name) const;
  void set_number(hid_t object, std::string const& name, double value) const;
  bool has_attribute(hid_t object, std::string const& name) const;
  /// Reads a text attribute that set_text() has made.
  std::string text(hid_t object, std::string const& name) const;
  /// Replaces a text attribute (UTF-8, variable length: not for files in SWMR mode).
  void set_text(hid_t object, std::string const& name, std::string const& text) const;

 private:
  File(std::filesystem::path path, Handle handle)
      : path_(std::move(path)), handle_(std::move(handle)) {}
  std::vector<hid_t> open_datasets() const;
  void make_room() const;
  std::filesystem::path path_;
  Handle handle_;
};

}  // namespace quartic::io::h5
