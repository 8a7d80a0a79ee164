#include "effects.hpp"

#include <fmt/format.h>

#include <algorithm>
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
  char const* owner;  ///< what the options belong to
  std::vector<std::string> neutral = {};
};

std::vector<Effect> const& effects() {
  static std::vector<Effect> const all{
      {{"hidden", "activation"},
       [](Config const& c) { return c.objective == "mlp"; },
       "--objective mlp"},
      {{"preset", "layers", "width", "heads", "sequence"},
       [](Config const& c) { return c.objective == "gpt"; },
       "--objective gpt"},
      {{"vocabulary"},
       [](Config const& c) { return c.objective == "gpt"; },
       "--objective gpt",
       {"0"}},
      {{"model"}, [](Config const& c) { return c.objective == "conv"; }, "--objective conv"},
      {{"width-factor", "depth"},
       [](Config const& c) { return c.objective == "conv"; },
       "--objective conv",
       {"0", "1"}},
      {{"l2"},
       [](Config const& c) { return c.objective == "logistic"; },
       "--objective logistic",
       {"0"}},
      {{"rows"}, is_generated, "generated data"},
      {{"features"},
       [](Config const& c) { return is_generated(c) && c.data != "generate:text"; },
       "generated rows of features",
       {"0"}},
      {{"classes"}, [](Config const& c) { return c.data == "generate:images"; }, "generate:images"},
      {{"data-format"}, [](Config const& c) { return !is_generated(c); }, "data files"},
      {{"token-bits"},
       [](Config const& c) { return !is_generated(c) && c.objective == "gpt"; },
       "files of tokens, for --objective gpt",
       {"0"}},
      {{"momentum"},
       [](Config const& c) { return c.optimizer.name.ends_with("momentum"); },
       "--optimizer momentum and nesterov-momentum",
       {"0"}},
      {{"beta1"}, has_moments, "--optimizer adamw and nadam", {"0.9"}},
      {{"beta2", "epsilon"}, has_moments, "--optimizer adamw and nadam"}};
  return all;
}

bool contains(std::vector<std::string> const& words, std::string const& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
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
      if (given == config.given.end() || contains(effect.neutral, given->second)) continue;
      usage_error("--{} {}: has no effect with {}; it is an option of {}", option, given->second,
                  situation(config), effect.owner);
    }
  }
}

}  // namespace quartic::app
