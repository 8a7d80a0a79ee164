#include "effects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "quartic/core/check.hpp"

namespace quartic::app {
namespace {

using Condition = bool (*)(Config const&);

bool is_generated(Config const& config) {
  return config.data.starts_with("generate:");
}

bool has_moments(Config const& config) {
  return config.optimizer.name == "adamw" || config.optimizer.name == "nadam";
}

/// Options that have an effect under a condition alone.
struct Effect {
  std::vector<std::string> options;
  Condition has_effect;
  char const* owner;                      ///< what the options belong to
  std::vector<std::string> neutral = {};  ///< values that ask for nothing, besides the defaults
  bool default_asks = false;              ///< the default is a wish too: 4096 rows of a file
};

bool is_mlp(Config const& config) {
  return config.objective == "mlp";
}

bool is_gpt(Config const& config) {
  return config.objective == "gpt";
}

bool is_conv(Config const& config) {
  return config.objective == "conv";
}

bool is_logistic(Config const& config) {
  return config.objective == "logistic";
}

bool generates_rows(Config const& config) {
  return !is_generated(config) || config.data != "generate:text";
}

bool generates_classes(Config const& config) {
  return !is_generated(config) || config.data == "generate:images";
}

bool reads_file(Config const& config) {
  return !is_generated(config);
}

bool reads_tokens(Config const& config) {
  return reads_file(config) && is_gpt(config);
}

bool has_momentum(Config const& config) {
  return config.optimizer.name.ends_with("momentum");
}

std::vector<Effect> const& effects() {
  static std::vector<Effect> const all{
      {{"hidden", "activation"}, is_mlp, "--objective mlp"},
      {{"preset", "layers", "width", "heads", "sequence", "vocabulary"}, is_gpt, "--objective gpt"},
      {{"model", "width-factor", "depth"}, is_conv, "--objective conv"},
      {{"l2"}, is_logistic, "--objective logistic"},
      {{"rows", "features", "classes"}, is_generated, "generated data", {"0"}, true},
      {{"features"}, generates_rows, "generated rows of features, not of generate:text"},
      {{"classes"}, generates_classes, "generate:images"},
      {{"data-format"}, reads_file, "data files"},
      {{"token-bits"}, reads_tokens, "files of tokens, for --objective gpt"},
      {{"momentum"}, has_momentum, "--optimizer momentum and nesterov-momentum", {"0"}},
      {{"beta1"}, has_moments, "--optimizer adamw and nadam", {"0.9"}},
      {{"beta2", "epsilon"}, has_moments, "--optimizer adamw and nadam"}};
  return all;
}

std::string default_of(std::string const& name) {
  static Config const defaults;
  auto const options = all_options();
  auto const found = std::find_if(options.begin(), options.end(),
                                  [&](OptionSpec const& option) { return option.name == name; });
  return found->get(defaults);
}

/// Compares as texts, then as numbers: 0.0 is 0.
bool is_same(std::string const& a, std::string const& b) {
  char* a_end = nullptr;
  char* b_end = nullptr;
  double const a_number = std::strtod(a.c_str(), &a_end);
  double const b_number = std::strtod(b.c_str(), &b_end);
  bool const are_numbers = a_end != a.c_str() && b_end != b.c_str() && *a_end == 0 && *b_end == 0;
  return a == b || (are_numbers && a_number == b_number);
}

bool asks_for_nothing(Effect const& effect, std::string const& option, std::string const& value) {
  auto const is_value = [&](std::string const& other) { return is_same(value, other); };
  if (std::ranges::any_of(effect.neutral, is_value)) return true;
  return !effect.default_asks && is_value(default_of(option));
}

std::string situation(Config const& config) {
  return fmt::format("--objective {}, --data {} and --optimizer {}", config.objective, config.data,
                     config.optimizer.name);
}

}  // namespace

void refuse_without_effect(Config const& config) {
  for (Effect const& effect : effects()) {
    if (effect.has_effect(config)) continue;
    for (std::string const& option : effect.options) {
      auto const given = config.given.find(option);
      if (given == config.given.end() || asks_for_nothing(effect, option, given->second)) continue;
      usage_error("--{} {}: has no effect with {}; it is an option of {}", option, given->second,
                  situation(config), effect.owner);
    }
  }
}

}  // namespace quartic::app
