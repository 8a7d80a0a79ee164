#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quartic/plan/rules.hpp"

namespace quartic::method {

/// An option that only some methods know; it reaches the command line through the registry.
struct Option {
  std::string name;
  std::string default_value;
  std::string help;  ///< says what is valid
};

/// The values of a method's own options: those that were given, and defaults for the rest.
class OptionValues {
 public:
  /// UsageError for an option that `known` does not hold.
  OptionValues(std::string_view method, std::span<Option const> known,
               std::map<std::string, std::string> given);
  /// The value, which must be one of `choices`; UsageError otherwise.
  std::string const& choice(std::string const& name,
                            std::span<std::string_view const> choices) const;
  /// The value as a finite number of at least `least`; UsageError otherwise.
  double number(std::string const& name, double least) const;
  std::map<std::string, std::string> const& all() const { return values_; }

 private:
  std::map<std::string, std::string> values_;
};

/// The default of --accumulate where it is the number of stages.
inline constexpr std::int64_t accumulate_stages = 0;

/// One training method: its answers (made for one shape) and what `quartic methods` says of it.
struct Method {
  std::string name;
  std::string order;
  std::string staleness;  ///< in the steady state, at stage s
  std::string drift;
  std::string copies;
  std::string activations;
  std::string bubble;
  std::string summary;
  std::string reference;
  std::int64_t default_accumulate = 1;
  bool accumulates = true;  ///< false: refuses another --accumulate than 1
  std::vector<Option> options;
  std::function<plan::Rules(plan::Shape const&, OptionValues const&)> make;
};

/// All methods, in the order of methods.md §2.
std::span<Method const> all_methods();

/// The method's default of --accumulate at `stages` stages.
std::int64_t default_accumulate(Method const& method, int stages);

/// UsageError that lists the names when there is none of this name.
Method const& find_method(std::string_view name);

/// The rules of a method for a shape: checks the shape, fills in defaults. UsageError says what
/// would be valid.
plan::Rules make_rules(Method const& method, plan::Shape const& shape,
                       std::map<std::string, std::string> const& given_options);

}  // namespace quartic::method
