#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "quartic/method.hpp"

namespace quartic::method {

/// All methods, in the order of the catalogue.
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
