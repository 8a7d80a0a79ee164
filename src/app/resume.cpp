#include "quartic/app/resume.hpp"

#include <array>

#include "quartic/core/check.hpp"

namespace quartic::app {
namespace {

constexpr std::array machine{"cpu", "blas_core", "device", "products"};

/// Of everything that --resume may not change.
std::string lasting_hash(Config config) {
  Config const defaults;
  config.microbatches = defaults.microbatches;
  config.epochs = defaults.epochs;
  config.trace_every = defaults.trace_every;
  config.checkpoint_every = defaults.checkpoint_every;
  return config_hash(config);
}

}  // namespace

std::map<std::string, std::string> about_checkpoint(
    Config const& config, std::map<std::string, std::string> const& environment) {
  std::map<std::string, std::string> about{{"config", lasting_hash(config)}};
  for (char const* const name : machine) about[name] = environment.at(name);
  return about;
}

std::optional<io::CheckpointManifest> checkpoint_to_resume(Config const& config) {
  auto manifest = io::CheckpointFolder::newest(config.out);
  if (manifest && manifest->about["config"] != lasting_hash(config)) {
    usage_error(
        "--resume {}: its config.ini is not the one that its checkpoint was made with; put back "
        "what was changed",
        config.out);
  }
  return manifest;
}

std::string other_machine(io::CheckpointManifest const& manifest,
                          std::map<std::string, std::string> const& environment) {
  for (char const* const name : machine) {
    auto const then = manifest.about.find(name);
    std::string const& now = environment.at(name);
    if (then != manifest.about.end() && then->second != now) {
      return fmt::format(
          "the checkpoint was made with {} '{}' and goes on with '{}': from here on the results "
          "may "
          "differ in the last bits",
          name, then->second, now);
    }
  }
  return {};
}

}  // namespace quartic::app
