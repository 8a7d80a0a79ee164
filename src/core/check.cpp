#include "quartic/core/check.hpp"

namespace quartic {

Divergence::Divergence(int at_stage, std::int64_t at_microbatch, std::string const& what)
    : std::runtime_error(
          fmt::format("{} at stage {}, microbatch {}", what, at_stage, at_microbatch)),
      stage(at_stage),
      microbatch(at_microbatch) {}

std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 24;
  std::string shown = "'";
  for (char const letter : text.substr(0, longest)) {
    shown += letter >= ' ' && letter <= '~' ? letter : '?';
  }
  return shown + (text.size() > longest ? "…'" : "'");
}

void detail::assertion_failed(char const* condition, char const* file, int line) {
  failure("internal error: assertion failed: {} ({}:{})", condition, file, line);
}

}  // namespace quartic
