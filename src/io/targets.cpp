#include <algorithm>
#include <cmath>

#include "quartic/core/check.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

using Where = std::function<std::string(std::size_t)>;

// Labels travel as floats, which hold integers up to here.
constexpr double largest_class = (1 << 24) - 1;

void check_real(std::vector<double> const& targets, Where const& where) {
  for (std::size_t row = 0; row < targets.size(); ++row) {
    if (!std::isfinite(targets[row])) {
      usage_error("{}: target {}; valid is any finite number", where(row), targets[row]);
    }
  }
}

// One file writes its labels one way: a 0 among -1 and +1 has no meaning.
void check_binary(std::vector<double>& targets, Where const& where) {
  bool const has_minus = std::find(targets.begin(), targets.end(), -1.0) != targets.end();
  for (std::size_t row = 0; row < targets.size(); ++row) {
    double const low = has_minus ? -1 : 0;
    if (targets[row] != low && targets[row] != 1) {
      usage_error("{}: label {}; valid are 0 and 1, or -1 and +1, one pair in a file", where(row),
                  targets[row]);
    }
  }
  for (double& target : targets) target = target == 1 ? 1 : 0;
}

void check_classes(std::vector<double> const& targets, Where const& where) {
  for (std::size_t row = 0; row < targets.size(); ++row) {
    double const label = targets[row];
    if (!(label >= 0 && label <= largest_class && label == std::floor(label))) {
      usage_error("{}: label {}; valid are the integers 0 to {}", where(row), label, largest_class);
    }
  }
}

}  // namespace

std::int64_t check_targets(std::vector<double>& targets, Targets meaning, Where const& where) {
  if (meaning == Targets::real) {
    check_real(targets, where);
    return 0;
  }
  if (meaning == Targets::binary) {
    check_binary(targets, where);
    return 2;
  }
  check_classes(targets, where);
  double const largest = *std::max_element(targets.begin(), targets.end());
  return std::max<std::int64_t>(2, static_cast<std::int64_t>(largest) + 1);
}

}  // namespace quartic::io
