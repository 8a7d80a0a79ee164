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
    Config const& config, std::map<std::string, std::string> const& attributes) {
  std::map<std::string, std::string> about{{"config", lasting_hash(config)}};
  for (char const* const name : machine) about[name] = attributes.at(name);
  for (char const* const name : files) {
    if (auto const found = attributes.find(name); found != attributes.end())
      about[name] = found->second;
  }
  return about;
}

std::optional<io::CheckpointManifest> checkpoint_to_resume(
    Config const& config, std::map<std::string, std::string> const& checksums) {
  auto manifest = io::CheckpointFolder::newest(config.out);
  if (!manifest) {
    if (io::is_complete(config.out)) {
      usage_error("--resume {}: is finished, and has no checkpoint from which it could go on",
                  config.out);
    }
    return {};
  }
  auto const changed = [&](std::string const& what) {
    usage_error(
        "--resume {}: {} is not what its checkpoint was made with; put back what was changed",
        config.out, what);
  };
  if (manifest->about["config"] != lasting_hash(config)) changed("its config.ini");
  for (auto const& [name, checksum] : checksums) {
    bool const is_data = name == "data_checksum";
    if (manifest->about[name] != checksum)
      changed(is_data ? "--data " + config.data : "--validation " + config.validation);
  }
  return manifest;
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
