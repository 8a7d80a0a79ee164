#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <sstream>

#include "quartic/app/commands.hpp"
#include "quartic/core/check.hpp"
#include "quartic/core/figures.hpp"
#include "quartic/io/compare.hpp"
#include "quartic/io/h5_isolated.hpp"

namespace quartic::app {
namespace {

namespace fs = std::filesystem;

constexpr int exit_equal = 0;
constexpr int exit_different = 1;
constexpr char const* equal_mark = "equal: ";

fs::path trace_of(std::string const& run) {
  fs::path const path = run;
  return fs::is_directory(path) ? path / "trace.h5" : path;
}

fs::path parameters_of(std::string const& run) {
  return trace_of(run).parent_path() / "parameters.h5";
}

/// Everything that is compared, and the names of the two runs as the user gave them.
struct Comparison {
  std::array<std::string, 2> runs;
  io::TraceComparison trace;
  io::ParameterComparison parameters;
  std::string parameters_line;  ///< why parameters are not compared; empty: they are, or none exist
};

bool is_equal(io::TablePair const& table) {
  return table.left_rows == table.right_rows && table.differing == 0;
}

bool is_equal(Comparison const& found) {
  return found.trace.other_shape.empty() && found.parameters.differing == 0 &&
         std::all_of(found.trace.tables.begin(), found.trace.tables.end(),
                     [](io::TablePair const& table) { return is_equal(table); });
}

Comparison compare(std::string const& left, std::string const& right) {
  Comparison found{.runs = {left, right},
                   .trace = io::compare_traces(trace_of(left), trace_of(right)),
                   .parameters = {},
                   .parameters_line = {}};
  bool const in_left = fs::exists(parameters_of(left));
  bool const in_right = fs::exists(parameters_of(right));
  if (in_left && in_right) {
    found.parameters = io::compare_parameters(parameters_of(left), parameters_of(right));
  } else if (in_left != in_right) {
    found.parameters_line =
        fmt::format("not compared: parameters.h5, which only {} has", in_left ? left : right);
  }
  return found;
}

/// "384 losses, 25 evaluations": the rows compared, by table.
std::string amounts(Comparison const& found) {
  constexpr std::array words{
      std::pair{"steps", "steps"},           std::pair{"events", "events"},
      std::pair{"loss", "losses"},           std::pair{"stale_read", "stale reads"},
      std::pair{"objective", "evaluations"}, std::pair{"validation", "validations"}};
  std::string text;
  auto const add = [&](std::int64_t count, char const* word) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", grouped(count), word);
  };
  for (auto const& [name, word] : words) {
    std::int64_t count = 0;
    for (io::TablePair const& table : found.trace.tables) {
      if (table.name == name) count += table.compared;
    }
    add(count, word);
  }
  add(found.parameters.compared, "parameters");
  return text.empty() ? "no rows" : text;
}

/// "steps of stage 2", with the pipeline where there are several.
std::string name_of(io::TablePair const& table, io::TraceComparison const& trace) {
  bool const is_stages = table.stage >= 0 && table.name != "loss";
  std::string name = table.name;
  if (is_stages) name += fmt::format(" of stage {}", table.stage);
  if (trace.pipelines > 1 && (is_stages || table.name == "loss"))
    name += fmt::format(" of pipeline {}", table.pipeline);
  return name;
}

std::string first_line(Comparison const& found) {
  io::TraceComparison const& trace = found.trace;
  if (!trace.other_shape.empty()) return fmt::format("differ: {}", trace.other_shape);
  if (!trace.first && found.parameters.differing > 0)
    return fmt::format("differ at {}", found.parameters.first);
  if (!trace.first) return "differ: all rows in common are equal, but not all rows are in common";
  io::Difference const& first = *trace.first;
  std::string where;
  if (first.microbatch >= 0) where += fmt::format("microbatch {}, ", first.microbatch);
  if (first.stage >= 0) where += fmt::format("stage {}, ", first.stage);
  if (trace.pipelines > 1 && first.stage >= 0)
    where += fmt::format("pipeline {}, ", first.pipeline);
  return fmt::format("differ at {}column {} of {} (row {}): {}", where, first.column, first.table,
                     first.row, first.values);
}

std::string table_line(io::TablePair const& table, Comparison const& found) {
  std::string const name = name_of(table, found.trace);
  if (!table.left_rows || !table.right_rows)
    return fmt::format("{}: only in {}", name, found.runs[table.left_rows ? 0 : 1]);
  std::string line = fmt::format("{}: {} of {} rows differ", name, grouped(table.differing),
                                 grouped(table.compared));
  if (table.left_rows != table.right_rows) {
    bool const is_left = *table.left_rows < *table.right_rows;
    line += fmt::format("; {} is shorter: {} rows, {} in {}", found.runs[is_left ? 0 : 1],
                        grouped(std::min(*table.left_rows, *table.right_rows)),
                        grouped(std::max(*table.left_rows, *table.right_rows)),
                        found.runs[is_left ? 1 : 0]);
  }
  return line;
}

std::string differences(Comparison const& found) {
  std::string text = first_line(found) + "\n";
  for (io::TablePair const& table : found.trace.tables) {
    if (!is_equal(table)) text += fmt::format("  {}\n", table_line(table, found));
  }
  if (found.parameters.differing > 0) {
    text += fmt::format("  parameters.h5: {} of {} parameters differ, the first at {}\n",
                        grouped(found.parameters.differing), grouped(found.parameters.compared),
                        found.parameters.first);
  }
  return text;
}

std::map<std::string, std::string> options_of(std::string const& config) {
  std::map<std::string, std::string> options;
  std::istringstream lines(config);
  for (std::string line; std::getline(lines, line);) {
    auto const at = line.find(" = ");
    if (at != std::string::npos) options[line.substr(0, at)] = line.substr(at + 3);
  }
  return options;
}

std::string both(std::string const& name, std::string const& left, std::string const& right) {
  auto const shown = [](std::string const& text) { return text.empty() ? "(none)" : text; };
  return fmt::format("  {}: {} and {}\n", name, shown(left), shown(right));
}

std::string other_options(std::string const& left_config, std::string const& right_config) {
  std::map<std::string, std::pair<std::string, std::string>> options;
  for (auto const& [name, value] : options_of(left_config)) options[name].first = value;
  for (auto const& [name, value] : options_of(right_config)) options[name].second = value;
  std::string text;
  for (auto const& [name, values] : options) {
    if (values.first != values.second) text += both("--" + name, values.first, values.second);
  }
  return text;
}

/// Says what may explain a difference, and decides nothing.
std::string information(Comparison const& found) {
  std::string text;
  if (!found.parameters_line.empty()) text += found.parameters_line + "\n";
  if (found.trace.attributes.empty()) return text;
  text += "other differences, which do not affect the result:\n";
  for (auto const& [name, values] : found.trace.attributes) {
    text += name == "config" ? other_options(values.first, values.second)
                             : both(name, values.first, values.second);
  }
  return text;
}

std::string report(Comparison const& found) {
  return (is_equal(found) ? fmt::format("{}{}\n", equal_mark, amounts(found))
                          : differences(found)) +
         information(found);
}

std::uintmax_t bytes_of(std::string const& run) {
  std::uintmax_t bytes = 0;
  for (fs::path const& file : {trace_of(run), parameters_of(run)}) {
    std::error_code missing;
    std::uintmax_t const size = fs::file_size(file, missing);
    if (!missing) bytes += size;
  }
  return bytes;
}

/// A child process reads the files, because damaged ones can crash HDF5.
std::string isolated_report(std::string const& left, std::string const& right) {
  auto const work = [&] { return report(compare(left, right)); };
  return io::h5::isolated_bytes(left, work, bytes_of(left) + bytes_of(right));
}

/// Exit code 1 means "different", so every error here is one of what cannot be read.
std::string checked_report(std::string const& left, std::string const& right) {
  try {
    return isolated_report(left, right);
  } catch (std::exception const& error) {
    // A crash names the left run, whichever run is damaged; each run alone names itself.
    isolated_report(left, left);
    isolated_report(right, right);
    throw UsageError(error.what());
  }
}

}  // namespace

std::string compare_help() {
  return "quartic compare RUN RUN: whether two runs are bitwise equal, and where they first "
         "differ\n"
         "\n"
         "RUN is the run folder or the trace.h5 of a run that has ended. The comparison is bit "
         "for\n"
         "bit. It covers the tables steps, events, loss, stale_read, objective and validation,\n"
         "except their wall times (*_ns), and parameters.h5 where both runs have one. Ranks, "
         "hosts\n"
         "and memory are not compared. Differences in the configuration, the data, the build and\n"
         "the processor are printed, but do not affect the result.\n"
         "\n"
         "The first difference is the one of the smallest microbatch and, within it, of the first\n"
         "stage. Evaluations belong to no microbatch and come after all microbatches.\n"
         "\n"
         "Exit codes: 0 equal, 1 different (also in the number of rows), 2 if a run cannot be "
         "read.\n";
}

int compare_command(comm::Communicator& communicator, std::vector<std::string> const& arguments) {
  if (arguments.size() != 2)
    usage_error("quartic compare takes two arguments, the runs; see quartic compare --help");
  int exit_code = exit_equal;
  comm::agree(communicator, [&] {
    if (communicator.rank() != 0) return;
    std::string const text = checked_report(arguments[0], arguments[1]);
    fmt::print("{}", text);
    exit_code = text.starts_with(equal_mark) ? exit_equal : exit_different;
  });
  return static_cast<int>(communicator.largest(exit_code));
}

}  // namespace quartic::app
