#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace quartic::io {

/// A value of two runs that has not the same bits in both.
struct Difference {
  std::int64_t microbatch = -1;  ///< -1: the row belongs to none, as one of an evaluation
  int stage = -1;                ///< -1: the row belongs to no stage
  int pipeline = 0;
  std::string table;
  std::string column;
  std::int64_t row = 0;  ///< counted from 0 in the dataset
  std::string values;    ///< "0.25 and 0.5 (4 units in the last place)"
};

/// One table of one stage, or of the whole run, in both traces. Rows are compared as far as both
/// traces have them.
struct TablePair {
  std::string name;  ///< "steps"
  int stage = -1;    ///< -1: of the whole run
  int pipeline = 0;
  std::optional<std::int64_t> left_rows;  ///< none: the trace has no such table
  std::optional<std::int64_t> right_rows;
  std::int64_t compared = 0;
  std::int64_t differing = 0;
};

struct TraceComparison {
  std::int64_t pipelines = 1;
  std::string other_shape;  ///< "4 and 8 stages": no table was compared
  std::vector<TablePair> tables;
  /// The earliest difference in the training: of the smallest microbatch, there of the first stage.
  /// Rows without a microbatch come last.
  std::optional<Difference> first;
  /// Root attributes that are no result, by name, where they differ: configuration, data, machine.
  std::map<std::string, std::pair<std::string, std::string>> attributes;
};

/// Compares all columns of Source::computation of two gathered traces, bit for bit. UsageError for
/// a file that is missing, is no trace, cannot be read, or is not gathered.
TraceComparison compare_traces(std::filesystem::path const& left,
                               std::filesystem::path const& right);

struct ParameterComparison {
  std::int64_t compared = 0;
  std::int64_t differing = 0;
  std::string first;  ///< "parameter 0.weight, element 7: 0.25 and 0.5"; empty: all are equal
};

/// Compares two files of named parameters, bit for bit: names, types, shapes, numbers. UsageError
/// for a file that cannot be read.
ParameterComparison compare_parameters(std::filesystem::path const& left,
                                       std::filesystem::path const& right);

}  // namespace quartic::io
