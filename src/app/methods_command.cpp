#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "quartic/app/commands.hpp"
#include "quartic/core/check.hpp"
#include "quartic/method/registry.hpp"

namespace quartic::app {
namespace {

constexpr char const* markdown_option = "--markdown";

struct Column {
  std::string head;
  std::function<std::string(method::Method const&)> text;
};
using Rows = std::vector<std::vector<std::string>>;

/// "--admission pipeline, --lambda 1": the method's own options with their defaults.
std::string options_of(method::Method const& method) {
  std::vector<std::string> options;
  for (method::Option const& option : method.options)
    options.push_back(fmt::format("--{} {}", option.name,
                                  option.default_value.empty() ? "…" : option.default_value));
  return fmt::format("{}", fmt::join(options, ", "));
}

std::string accumulate_of(method::Method const& method) {
  if (!method.accumulates) return "1 only";
  bool const is_stages = method.default_accumulate == method::accumulate_stages;
  return is_stages ? "S" : std::to_string(method.default_accumulate);
}

std::string optimizer_of(method::Method const& method) {
  if (method.optimizer.empty()) return "any";
  return method.only_optimizer ? method.optimizer + " only" : method.optimizer + ", or another";
}

/// What a method costs.
std::vector<Column> closed_forms() {
  using Method = method::Method;
  return {{"name", [](Method const& m) { return m.name; }},
          {"order", [](Method const& m) { return m.order; }},
          {"staleness", [](Method const& m) { return m.staleness; }},
          {"drift", [](Method const& m) { return m.drift; }},
          {"copies", [](Method const& m) { return m.copies; }},
          {"activations", [](Method const& m) { return m.activations; }},
          {"bubble", [](Method const& m) { return m.bubble; }},
          {"reference", [](Method const& m) { return m.reference; }}};
}

/// What a method does.
std::vector<Column> descriptions() {
  using Method = method::Method;
  return {{"name", [](Method const& m) { return m.name; }},
          {"forward reads", [](Method const& m) { return m.reads.forward; }},
          {"backward reads", [](Method const& m) { return m.reads.backward; }},
          {"--accumulate", accumulate_of},
          {"--optimizer", optimizer_of},
          {"own options", options_of},
          {"summary", [](Method const& m) { return m.summary; }}};
}

/// A head and a row for each method.
Rows rows_of(std::vector<Column> const& columns) {
  Rows rows(1);
  for (Column const& column : columns) rows.front().push_back(column.head);
  for (method::Method const& method : method::all_methods()) {
    auto& row = rows.emplace_back();
    for (Column const& column : columns) row.push_back(column.text(method));
  }
  return rows;
}

/// Columns as wide as their longest entry, but for the last.
void print_table(Rows const& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (auto const& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (auto const& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) fmt::print("{:<{}}  ", row[i], widths[i]);
    fmt::print("{}\n", row.back());
  }
}

void print_markdown(Rows const& rows) {
  fmt::print("| {} |\n|{}\n", fmt::join(rows.front(), " | "),
             fmt::join(std::vector<char const*>(rows.front().size(), "---|"), ""));
  for (std::size_t i = 1; i < rows.size(); ++i)
    fmt::print("| `{}` | {} |\n", rows[i].front(),
               fmt::join(rows[i].begin() + 1, rows[i].end(), " | "));
}

}  // namespace

int methods_command(comm::Communicator& communicator, std::vector<std::string> const& arguments) {
  bool const is_markdown = arguments == std::vector<std::string>{markdown_option};
  if (!arguments.empty() && !is_markdown)
    usage_error("quartic methods: the only argument is {}", markdown_option);
  if (communicator.rank() != 0) return 0;
  auto const print = is_markdown ? print_markdown : print_table;
  print(rows_of(closed_forms()));
  fmt::print("\n");
  print(rows_of(descriptions()));
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
