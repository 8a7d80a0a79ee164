#pragma once

#include <map>
#include <optional>
#include <string>

#include "quartic/app/config.hpp"
#include "quartic/io/checkpoint.hpp"

namespace quartic::app {

/// What a checkpoint's manifest says of its run, out of the trace's attributes: `config`, a hash of
/// what must be the same to go on, checksums of the files it has read, and of where it ran what its
/// bits depend on (`cpu`, `blas_core`, `git`, …).
std::map<std::string, std::string> about_checkpoint(
    Config const& config, std::map<std::string, std::string> const& attributes);

/// Every rank. The checkpoint that --resume goes on from: the newest of config.out; none if the run
/// has made none. UsageError where the folder's config.ini is not the one that it was made with, or
/// a file has another checksum; `checksums` by the attributes' names.
std::optional<io::CheckpointManifest> checkpoint_to_resume(
    Config const& config, std::map<std::string, std::string> const& checksums);

/// A line where the run's bits may differ from here on, because it goes on on another kind of
/// machine; empty otherwise.
std::string other_machine(io::CheckpointManifest const& manifest,
                          std::map<std::string, std::string> const& environment);

}  // namespace quartic::app
