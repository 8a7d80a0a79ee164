#include "quartic/io/disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "quartic/core/check.hpp"

namespace quartic::io {

namespace fs = std::filesystem;

void sync_to_disk(fs::path const& path) {
  int const descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  bool const synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  std::error_code const error(errno, std::generic_category());
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) failure("{}: fsync failed: {}", path.string(), error.message());
}

void put_in_place(fs::path const& aside, fs::path const& place) {
  sync_to_disk(aside);
  std::error_code error;
  fs::rename(aside, place, error);
  if (error) failure("{}: cannot be written: {}", place.string(), error.message());
  sync_to_disk(place.parent_path());
}

}  // namespace quartic::io
