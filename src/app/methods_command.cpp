#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "quartic/app/commands.hpp"
#include "quartic/core/check.hpp"
#include "quartic/method/registry.hpp"

namespace quartic::app {
namespace {

using Row = std::array<std::string, 8>;

/// Columns as wide as their longest entry, but for the last.
void print_table(std::vector<Row> const& rows) {
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (Row const& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (Row const& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) fmt::print("{:<{}}  ", row[i], widths[i]);
    fmt::print("{}\n", row.back());
  }
}

}  // namespace

int methods_command(comm::Communicator& communicator, std::vector<std::string> const& arguments) {
  if (!arguments.empty()) usage_error("quartic methods takes no arguments");
  if (communicator.rank() != 0) return 0;
  std::vector<Row> rows{
      {"name", "order", "staleness", "drift", "copies", "activations", "bubble", "reference"}};
  for (method::Method const& method : method::all_methods()) {
    rows.push_back({method.name, method.order, method.staleness, method.drift, method.copies,
                    method.activations, method.bubble, method.reference});
  }
  print_table(rows);
  fmt::print(
      "\n"
      "All values hold in the steady state, for stage s = 0..S-1. Copies (of the weights) and "
      "activations are per stage.\n"
      "M, a: microbatches per update. R: replicas. H: local steps. Q = S/V: workers, with V stages "
      "each.\n"
      "nF1B: d = S-1-s, q = min(1, h/M). h = 3 for --backward chunk with --cost real, 2 for "
      "--backward mono with --cost slot.\n");
  return 0;
}

}  // namespace quartic::app
