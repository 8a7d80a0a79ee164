#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "quartic/core/check.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

using Where = std::function<std::string(std::size_t)>;
using Values = std::vector<double>;

// Labels travel as floats, which hold integers up to here.
constexpr double largest_class = (1 << 24) - 1;

void check_real(Values const& targets, Where const& where) {
  for (std::size_t row = 0; row < targets.size(); ++row) {
    if (!std::isfinite(targets[row])) {
      usage_error("{}: target {}; must be a finite number", where(row), targets[row]);
    }
  }
}

bool is_label(double value) {
  return value >= 0 && value <= largest_class && value == std::floor(value);
}

/// The values that occur, ascending; no more than one beyond `most`.
Values distinct(Values const& targets, std::size_t most) {
  Values found;
  for (double const target : targets) {
    auto const place = std::lower_bound(found.begin(), found.end(), target);
    if (place != found.end() && *place == target) continue;
    found.insert(place, target);
    if (found.size() > most) break;
  }
  return found;
}

/// Two labels that are not 0 and 1: a 0 beside another number has no meaning.
bool is_pair(Values const& found) {
  auto const fits = [](double value) { return value != 0 && is_label(std::abs(value)); };
  return found.size() == 2 && std::all_of(found.begin(), found.end(), fits);
}

/// One file writes its labels one way: a 0 among -1 and +1 has no meaning.
void check_binary(Values const& targets, double low, Where const& where) {
  for (std::size_t row = 0; row < targets.size(); ++row) {
    if (targets[row] == low || targets[row] == 1) continue;
    usage_error(
        "{}: label {}; valid: 0 and 1, -1 and +1, or any other two integers; a file must use one "
        "pair only",
        where(row), targets[row]);
  }
}

/// The labels of a file with two classes.
Values binary_labels(Values const& targets, Where const& where) {
  Values found = distinct(targets, 2);
  if (is_pair(found)) return found;
  bool const has_minus = std::find(targets.begin(), targets.end(), -1.0) != targets.end();
  check_binary(targets, has_minus ? -1 : 0, where);
  return has_minus ? Values{-1, 1} : Values{};
}

void check_classes(Values const& targets, Where const& where) {
  for (std::size_t row = 0; row < targets.size(); ++row) {
    if (is_label(targets[row])) continue;
    usage_error("{}: label {}; valid: the integers 0 to {}, or -1 and +1", where(row), targets[row],
                largest_class);
  }
}

/// Numbers the labels of a file that does not count its classes from 0.
Values class_labels(Values const& targets, Where const& where) {
  constexpr std::size_t most = 1 << 16;
  Values found = distinct(targets, most);
  if (found == Values{-1, 1}) return found;
  check_classes(targets, where);
  bool const from_zero = found.front() == 0 || found.size() == 1 || found.size() > most;
  return from_zero ? Values{} : found;
}

/// Every target becomes its place among the labels.
void number(Values& targets, Values const& labels, Where const& where) {
  for (std::size_t row = 0; row < targets.size(); ++row) {
    auto const place = std::lower_bound(labels.begin(), labels.end(), targets[row]);
    if (place == labels.end() || *place != targets[row]) {
      usage_error("{}: label {}; valid: the labels of the training data, {}", where(row),
                  targets[row], fmt::join(labels, ", "));
    }
    targets[row] = static_cast<double>(place - labels.begin());
  }
}

}  // namespace

Classes number_targets(Values& targets, TargetRules const& rules, Where const& where) {
  if (rules.meaning == Targets::real) {
    check_real(targets, where);
    return {};
  }
  bool const binary = rules.meaning == Targets::binary;
  Values labels = rules.labels ? *rules.labels
                  : binary     ? binary_labels(targets, where)
                               : class_labels(targets, where);
  if (labels.empty()) {
    binary ? check_binary(targets, 0, where) : check_classes(targets, where);
  } else {
    number(targets, labels, where);
  }
  double const largest = *std::max_element(targets.begin(), targets.end());
  return {binary ? 2 : std::max<std::int64_t>(2, static_cast<std::int64_t>(largest) + 1),
          std::move(labels)};
}

}  // namespace quartic::io
