#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

/// Option values from text and back. UsageError names the option and what would be valid.
namespace quartic::app {

inline constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

std::int64_t integer(std::string const& option, std::string const& text, std::int64_t least,
                     std::int64_t most = no_limit);
std::uint64_t natural(std::string const& option, std::string const& text);
/// A finite number, at least `least`; above it when `above`.
double number(std::string const& option, std::string const& text, double least, bool above = false);
bool flag(std::string const& option, std::string const& text);
std::vector<std::int64_t> integers(std::string const& option, std::string const& text,
                                   std::int64_t least);

template <class Value>
using Choices = std::vector<std::pair<std::string, Value>>;

[[noreturn]] void refuse_choice(std::string const& option, std::string const& text,
                                std::vector<std::string> const& valid);

template <class Value>
Value choice(std::string const& option, std::string const& text, Choices<Value> const& choices) {
  std::vector<std::string> names;
  for (auto const& [name, value] : choices) {
    if (name == text) return value;
    names.push_back(name);
  }
  refuse_choice(option, text, names);
}

template <class Value>
std::string choice_name(Value value, Choices<Value> const& choices) {
  for (auto const& [name, candidate] : choices) {
    if (candidate == value) return name;
  }
  return {};
}

/// The shortest text that reads back as the same number.
std::string text(double value);
/// 1115394 -> "1,115,394".
std::string grouped(std::int64_t count);

}  // namespace quartic::app
