#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/numbers.hpp"
#include "quartic/io/reader.hpp"
#include "quartic/io/rows.hpp"

namespace quartic::io {
namespace {

using Words = std::vector<std::string_view>;

std::string_view trimmed(std::string_view word) {
  constexpr std::string_view around = " \t\r\"";
  std::size_t const begin = word.find_first_not_of(around);
  if (begin == std::string_view::npos) return {};
  return word.substr(begin, word.find_last_not_of(around) - begin + 1);
}

Words split(std::string_view line, char separator) {
  Words words;
  for (std::size_t begin = 0; begin <= line.size();) {
    std::size_t const end = std::min(line.find(separator, begin), line.size());
    words.push_back(trimmed(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  return words;
}

/// What a table says: its rows of numbers, the column of the targets taken out.
struct Table {
  std::int64_t columns = 0;
  std::size_t target_column = 0;
  std::vector<double> values;
  std::vector<double> targets;
  std::vector<std::int64_t> line;
};

class Parser {
 public:
  Parser(std::string const& path, std::string_view text) : path_(path), text_(text) {}

  Table all() {
    while (!text_.empty()) {
      std::string_view const line = text_.substr(0, text_.find('\n'));
      text_.remove_prefix(std::min(text_.size(), line.size() + 1));
      ++line_;
      if (!trimmed(line).empty()) parse_line(line);
    }
    if (table_.targets.empty()) usage_error("{}: has no rows of numbers", path_);
    return std::move(table_);
  }

 private:
  void parse_line(std::string_view line) {
    if (table_.columns != 0) return parse_row(split(line, separator_));
    separator_ = line.find(';') != std::string_view::npos ? ';' : ',';
    begin_table(split(line, separator_));
  }

  /// The first line is a header where nothing in it is a number.
  void begin_table(Words const& words) {
    table_.columns = std::ssize(words);
    if (table_.columns < 2)
      usage_error("{}: line {} has one column; at least two are needed, a feature and the target",
                  path_, line_);
    table_.target_column = words.size() - 1;
    bool const header = std::none_of(words.begin(), words.end(),
                                     [](auto word) { return parse_number(word).has_value(); });
    if (header) return find_target(words);
    parse_row(words);
  }

  void find_target(Words const& names) {
    constexpr std::array<std::string_view, 4> targets{"y", "label", "target", "class"};
    auto const is_target = [&](std::string_view name) {
      return std::find(targets.begin(), targets.end(), name) != targets.end();
    };
    auto const found = std::find_if(names.begin(), names.end(), is_target);
    if (found != names.end())
      table_.target_column = static_cast<std::size_t>(found - names.begin());
  }

  void parse_row(Words const& words) {
    if (std::ssize(words) != table_.columns) {
      usage_error("{}: line {} has {} columns, but the first row has {}", path_, line_,
                  words.size(), table_.columns);
    }
    for (std::size_t column = 0; column < words.size(); ++column) {
      auto const number = parse_number(words[column]);
      if (!number) {
        usage_error("{}: line {}, column {}, counted from 1: {} is not a finite number", path_,
                    line_, column + 1, quoted(words[column]));
      }
      (column == table_.target_column ? table_.targets : table_.values).push_back(*number);
    }
    table_.line.push_back(line_);
  }

  std::string const& path_;
  std::string_view text_;
  char separator_ = ',';
  std::int64_t line_ = 0;
  Table table_;
};

class CsvReader final : public TypedReader<CsvReader> {
 public:
  CsvReader(FileBytes const& file, TargetRules const& rules)
      : path_(file.path), table_(Parser(file.path, without_mark(file.bytes)).all()) {
    shape_ = {std::ssize(table_.targets), table_.columns - 1, checksum_text(file.checksum)};
    Classes classes = number_targets(table_.targets, rules, [this](std::size_t row) {
      return fmt::format("{}: line {}", path_, table_.line[row]);
    });
    classes_ = classes.count;
    facts_ = {.format = fmt::format("CSV, targets in column {}", table_.target_column + 1),
              .kind = "numbers",
              .bytes = file.length,
              .labels = std::move(classes.labels)};
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    auto const number = [&](std::int64_t index) {
      return table_.values[static_cast<std::size_t>(index)];
    };
    return {dense_columns<T>(path_, shape_, columns, number), to_precision<T>(table_.targets)};
  }

 private:
  std::string path_;
  Table table_;
};

}  // namespace

std::unique_ptr<Reader> open_csv(FileBytes const& file, TargetRules const& targets) {
  return std::make_unique<CsvReader>(file, targets);
}

}  // namespace quartic::io
