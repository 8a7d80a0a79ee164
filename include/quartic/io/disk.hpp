#pragma once

#include <filesystem>

/// What survives a loss of power. Each is a Failure where the disk does not do it.
namespace quartic::io {

/// The bytes of a file, or the names in a folder, are on the disk.
void sync_to_disk(std::filesystem::path const& path);

/// `aside`, a file or folder beside `place`, becomes `place`: whenever the power goes, one of the
/// two is there, and whole.
void put_in_place(std::filesystem::path const& aside, std::filesystem::path const& place);

}  // namespace quartic::io
