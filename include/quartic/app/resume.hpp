#pragma once

#include <map>
#include <optional>
#include <string>

#include "quartic/app/config.hpp"
#include "quartic/io/checkpoint.hpp"

namespace quartic::app {

/// What a checkpoint's manifest says of its run: `config`, a hash of what must be the same to go
/// on, and of where it ran what its bits depend on (`cpu`, `blas_core`, out of environment()).
std::map<std::string, std::string> about_checkpoint(
    Config const& config, std::map<std::string, std::string> const& environment);

/// Every rank. The checkpoint that --resume goes on from: the newest of config.out; none if the run
/// has made none. UsageError where the folder's config.ini is not the one that it was made with.
std::optional<io::CheckpointManifest> checkpoint_to_resume(Config const& config);

/// A line where the run's bits may differ from here on, because it goes on on another kind of
/// machine; empty otherwise.
std::string other_machine(io::CheckpointManifest const& manifest,
                          std::map<std::string, std::string> const& environment);

}  // namespace quartic::app
