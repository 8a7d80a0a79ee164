#include "quartic/app/resume.hpp"

#include <fmt/ranges.h>

#include <array>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/io/trace_state.hpp"

namespace quartic::app {
namespace {

/// On which the bits of a result depend.
constexpr std::array machine{"cpu", "blas_core", "device", "products", "git", "compiler", "flags"};
constexpr std::array files{"data_checksum", "validation_checksum", "init_checksum",
                           "init_optimizer_checksum"};

/// The hash of everything that --resume may not change.
std::string lasting_hash(Config config) {
  Config const defaults;
  config.microbatches = defaults.microbatches;
  config.epochs = defaults.epochs;
  config.trace_every = defaults.trace_every;
  config.checkpoint_every = defaults.checkpoint_every;
  config.checkpoint_steps = defaults.checkpoint_steps;
  return config_hash(config);
}

}  // namespace

std::map<std::string, std::string> about_checkpoint(
    Config const& config, std::map<std::string, std::string> const& attributes) {
  std::map<std::string, std::string> about{{"config", lasting_hash(config)}};
  for (char const* const name : machine) about[name] = attributes.at(name);
  for (char const* const name : files) {
    if (auto const found = attributes.find(name); found != attributes.end())
      about[name] = found->second;
  }
  return about;
}

std::vector<io::CheckpointManifest> checkpoints_to_resume(
    Config const& config, std::map<std::string, std::string> const& checksums) {
  std::vector<std::int64_t> positions = io::CheckpointFolder::positions(config.out);
  if (positions.empty()) {
    if (io::is_complete(config.out)) {
      usage_error(
          "--resume {}: the run is finished and has no checkpoint to continue from; a run keeps "
          "one with --checkpoint-every or --save-parameters",
          config.out);
    }
    return {};
  }
  auto const changed = [&](std::string const& what) {
    usage_error("--resume {}: {} has changed since its checkpoint; restore it", config.out, what);
  };
  bool const becomes_longer = config.microbatches > config.resumed_microbatches;
  if (!becomes_longer) positions.erase(positions.begin() + 1, positions.end());
  std::vector<io::CheckpointManifest> manifests;
  for (std::int64_t const position : positions) {
    io::CheckpointManifest& manifest =
        manifests.emplace_back(io::CheckpointFolder::manifest(config.out, position));
    if (manifest.about["config"] != lasting_hash(config)) changed("its config.ini");
    for (auto const& [name, checksum] : checksums) {
      bool const is_data = name == "data_checksum";
      if (manifest.about[name] != checksum)
        changed(is_data ? "--data " + config.data : "--validation " + config.validation);
    }
  }
  return manifests;
}

std::optional<plan::Rules> rules_of_longer(Resolved const& resolved) {
  Config longer = resolved.config;
  bool const is_asked_for =
      longer.order == engine::Order::plan &&
      (longer.save_parameters || longer.checkpoint_steps > 0 || !longer.checkpoint_every.empty());
  if (!is_asked_for || !can_become_longer(longer, resolved.rules)) return {};
  longer.microbatches *= 2;  // every method takes a multiple
  try {
    return rules_of(longer, resolved.microbatches_an_epoch);
  } catch (UsageError const&) {
    return {};  // a schedule or delays of a file, which ends with this run
  }
}

std::string other_machine(io::CheckpointManifest const& manifest,
                          std::map<std::string, std::string> const& environment) {
  std::vector<std::string> then;
  std::vector<std::string> now;
  for (char const* const name : machine) {
    auto const found = manifest.about.find(name);
    if (found == manifest.about.end() || found->second == environment.at(name)) continue;
    then.push_back(fmt::format("{} '{}'", name, found->second));
    now.push_back(fmt::format("{} '{}'", name, environment.at(name)));
  }
  if (then.empty()) return {};
  return fmt::format(
      "the checkpoint was made with {} and the run continues with {}: from here on the results may "
      "differ in the last bits",
      fmt::join(then, ", "), fmt::join(now, ", "));
}

}  // namespace quartic::app
