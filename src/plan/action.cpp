#include "quartic/plan/action.hpp"

#include <fmt/core.h>

namespace quartic::plan {

char letter(Kind kind) {
  switch (kind) {
    case Kind::forward:
      return 'F';
    case Kind::backward:
      return 'B';
    case Kind::backward_input:
      return 'I';
    case Kind::backward_weight:
      return 'W';
    case Kind::wait:
    case Kind::done:
      break;
  }
  return '.';
}

std::string to_text(Action const& action) {
  return fmt::format("{}{}{}", action.stage, letter(action.kind), action.microbatch);
}

}  // namespace quartic::plan
