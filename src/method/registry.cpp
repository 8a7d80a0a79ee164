#include "quartic/method/registry.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "quartic/core/check.hpp"

namespace quartic::method {

#define METHOD(name) Method name();
#include "catalogue.inc"
#undef METHOD

namespace {

template <class Number>
std::optional<Number> read(std::string const& text) {
  Number value{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool const whole = !text.empty() && error == std::errc{} && end == text.data() + text.size();
  return whole ? std::optional<Number>(value) : std::nullopt;
}

std::string range(double least, double most) {
  if (std::isinf(most)) return fmt::format(", at least {:g}", least);
  return fmt::format(" from {:g} to {:.10g}", least, most);
}

}  // namespace

OptionValues::OptionValues(std::string_view method, std::span<Option const> known,
                           std::map<std::string, std::string> given, DelayReader read_delays)
    : values_(std::move(given)), read_delays_(std::move(read_delays)) {
  for (auto const& [name, value] : values_) {
    auto const same_name = [&](Option const& option) { return option.name == name; };
    if (std::none_of(known.begin(), known.end(), same_name)) {
      usage_error("--{} is not an option of method {}", name, method);
    }
  }
  for (Option const& option : known) values_.try_emplace(option.name, option.default_value);
}

std::string const& OptionValues::choice(std::string const& name,
                                        std::span<std::string_view const> choices) const {
  std::string const& value = values_.at(name);
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    usage_error("--{} {}: unknown value; valid: {}", name, value, fmt::join(choices, ", "));
  }
  return value;
}

double OptionValues::number(std::string const& name, double least, double most) const {
  auto const value = read<double>(values_.at(name));
  if (!value || !std::isfinite(*value) || *value < least || *value > most) {
    usage_error("--{} '{}': must be a number{}", name, values_.at(name), range(least, most));
  }
  return *value;
}

double OptionValues::number_or_infinity(std::string const& name, double least) const {
  auto const value = read<double>(values_.at(name));
  if (!value || std::isnan(*value) || *value < least) {
    usage_error("--{} '{}': must be a number, at least {:g}, or inf", name, values_.at(name),
                least);
  }
  return *value;
}

std::int64_t OptionValues::integer(std::string const& name, std::int64_t least,
                                   std::int64_t most) const {
  auto const value = read<std::int64_t>(values_.at(name));
  if (!value || *value < least || *value > most) {
    usage_error("--{} '{}': must be a whole number{}", name, values_.at(name),
                range(static_cast<double>(least), static_cast<double>(most)));
  }
  return *value;
}

std::span<Method const> all_methods() {
#define METHOD(name) name(),
  static std::vector<Method> const methods{
#include "catalogue.inc"
  };
#undef METHOD
  return methods;
}

std::int64_t default_accumulate(Method const& method, int stages) {
  return method.default_accumulate == accumulate_stages ? stages : method.default_accumulate;
}

Method const& find_method(std::string_view name) {
  auto const methods = all_methods();
  auto const found = std::find_if(methods.begin(), methods.end(),
                                  [&](Method const& method) { return method.name == name; });
  if (found != methods.end()) return *found;
  std::vector<std::string_view> names;
  for (Method const& method : methods) names.push_back(method.name);
  usage_error("--method {}: unknown method; valid: {}", name, fmt::join(names, ", "));
}

plan::Rules make_rules(Method const& method, plan::Shape const& shape,
                       std::map<std::string, std::string> const& given_options,
                       DelayReader const& read_delays) {
  auto const [stages, microbatches, accumulate, epoch, seed] = shape;
  if (stages < 1) usage_error("--stages {}: must be at least 1", stages);
  if (microbatches < 1) usage_error("--microbatches {}: must be at least 1", microbatches);
  if (accumulate < 1) usage_error("--accumulate {}: must be at least 1", accumulate);
  if (!method.accumulates && accumulate != 1) {
    usage_error("--accumulate {}: must be 1, because {} updates after every microbatch", accumulate,
                method.name);
  }
  if (microbatches % accumulate != 0) {
    std::int64_t const below = microbatches / accumulate * accumulate;
    usage_error("--microbatches {}: must be a multiple of --accumulate {}; the nearest are {}{}",
                microbatches, accumulate, below > 0 ? fmt::format("{} and ", below) : "",
                below + accumulate);
  }
  plan::Rules rules =
      method.make(shape, OptionValues(method.name, method.options, given_options, read_delays));
  rules.shape = shape;
  return rules;
}

}  // namespace quartic::method
