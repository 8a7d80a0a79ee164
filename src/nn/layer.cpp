#include "quartic/nn/layer.hpp"

namespace quartic::nn {

std::int64_t element_count(Parameter const& parameter) {
  std::int64_t count = 1;
  for (std::int64_t const side : parameter.shape) count *= side;
  return count;
}

std::vector<Part> trained_parts(std::span<Parameter const> parameters) {
  std::vector<Part> parts;
  for (Parameter const& parameter : parameters) {
    if (parameter.role == Role::statistic) continue;
    bool const goes_on =
        !parts.empty() && parts.back().first + parts.back().size == parameter.offset;
    if (!goes_on) parts.push_back({parameter.offset, 0});
    parts.back().size += element_count(parameter);
  }
  return parts;
}

}  // namespace quartic::nn
