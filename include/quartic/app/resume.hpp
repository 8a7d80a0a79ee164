#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "quartic/app/config.hpp"
#include "quartic/app/setup.hpp"
#include "quartic/io/checkpoint.hpp"

namespace quartic::app {

/// What a checkpoint's manifest says of its run, out of the trace's attributes: `config`, a hash of
/// what must be the same to go on, checksums of the files it has read, and of where it ran what its
/// bits depend on (`cpu`, `blas_core`, `git`, …).
std::map<std::string, std::string> about_checkpoint(
    Config const& config, std::map<std::string, std::string> const& attributes);

/// Every rank. The checkpoints of config.out that --resume can continue from, the newest first: the
/// newest alone unless the run becomes longer, none if it has made none. UsageError where the
/// folder's config.ini is not the one that they were made with, or a file has another checksum;
/// `checksums` by the attributes' names.
std::vector<io::CheckpointManifest> checkpoints_to_resume(
    Config const& config, std::map<std::string, std::string> const& checksums);

/// The rules of a longer run, where this one is asked to keep a checkpoint from which it can become
/// one and can; otherwise none.
std::optional<plan::Rules> rules_of_longer(Resolved const& resolved);

/// A line where the run's bits may differ from here on, because it goes on on another kind of
/// machine; empty otherwise.
std::string other_machine(io::CheckpointManifest const& manifest,
                          std::map<std::string, std::string> const& environment);

}  // namespace quartic::app
