#include "values.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>

#include "quartic/core/check.hpp"

namespace quartic::app {
namespace {

template <class Value>
bool read(std::string const& text, Value& value) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::int64_t integer(std::string const& option, std::string const& text, std::int64_t least,
                     std::int64_t most) {
  std::int64_t value = 0;
  if (!read(text, value) || value < least || value > most) {
    std::string const limit = most == no_limit ? "" : fmt::format(" and at most {}", most);
    usage_error("--{} '{}': must be a whole number, at least {}{}", option, text, least, limit);
  }
  return value;
}

std::uint64_t natural(std::string const& option, std::string const& text) {
  std::uint64_t value = 0;
  if (!read(text, value))
    usage_error("--{} '{}': must be a whole number from 0 to 2^64 - 1", option, text);
  return value;
}

double number(std::string const& option, std::string const& text, double least, bool above) {
  double value = 0;
  bool const valid =
      read(text, value) && std::isfinite(value) && (above ? value > least : value >= least);
  if (!valid)
    usage_error("--{} '{}': must be a number {} {:g}", option, text,
                above ? "above" : "of at least", least);
  return value;
}

bool flag(std::string const& option, std::string const& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  usage_error("--{} '{}': must be true or false", option, text);
}

std::vector<std::int64_t> integers(std::string const& option, std::string const& text,
                                   std::int64_t least) {
  std::vector<std::int64_t> values;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    std::size_t const end = std::min(text.find(',', begin), text.size());
    values.push_back(integer(option, text.substr(begin, end - begin), least));
    begin = end + 1;
  }
  return values;
}

void refuse_choice(std::string const& option, std::string const& text,
                   std::vector<std::string> const& valid) {
  usage_error("--{} '{}': unknown value; valid: {}", option, text, fmt::join(valid, ", "));
}

std::string text(double value) {
  return fmt::format("{}", value);
}

}  // namespace quartic::app
