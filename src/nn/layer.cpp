#include "quartic/nn/layer.hpp"

namespace quartic::nn {

std::int64_t element_count(Parameter const& parameter) {
  std::int64_t count = 1;
  for (std::int64_t const side : parameter.shape) count *= side;
  return count;
}

}  // namespace quartic::nn
