#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quartic/core/delay_table.hpp"
#include "quartic/plan/rules.hpp"

namespace quartic::method {

/// An option that only some methods know; it reaches the command line through the registry.
struct Option {
  std::string name;
  std::string default_value;
  std::string help;  ///< says what is valid
};

/// Reads the file of --delays replay:FILE, since methods read no files. UsageError if it is none.
using DelayReader = std::function<DelayTable(std::string const& file)>;

/// The values of a method's own options: those that were given, and defaults for the rest.
class OptionValues {
 public:
  /// UsageError for an option that `known` does not hold.
  OptionValues(std::string_view method, std::span<Option const> known,
               std::map<std::string, std::string> given, DelayReader read_delays = {});
  /// The value, which must be one of `choices`; UsageError otherwise.
  std::string const& choice(std::string const& name,
                            std::span<std::string_view const> choices) const;
  /// The value as a finite number of `least` to `most`; UsageError otherwise.
  double number(std::string const& name, double least,
                double most = std::numeric_limits<double>::infinity()) const;
  /// The same, or "inf".
  double number_or_infinity(std::string const& name, double least) const;
  /// The value as a whole number of `least` to `most`; UsageError otherwise.
  std::int64_t integer(std::string const& name, std::int64_t least, std::int64_t most) const;
  /// What a file of --delays replay:FILE holds.
  DelayTable delay_table(std::string const& file) const { return read_delays_(file); }
  std::map<std::string, std::string> const& all() const { return values_; }

 private:
  std::map<std::string, std::string> values_;
  DelayReader read_delays_;
};

/// Copies of a model in one pipeline, at most.
inline constexpr std::int64_t largest_replicas = 1 << 16;
/// Local steps between averages, at most.
inline constexpr std::int64_t largest_local_steps = std::int64_t{1} << 32;

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
  bool accumulates = true;         ///< false: refuses another --accumulate than 1
  bool updates_one_stage = false;  ///< a microbatch updates one stage of its own, not all
  std::string optimizer;           ///< the only --optimizer that it is defined with; empty: any
  double beta1 = 0;                ///< its default of --beta1; 0: the optimizer's
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
                       std::map<std::string, std::string> const& given_options,
                       DelayReader const& read_delays = {});

}  // namespace quartic::method
