#include <charconv>
#include <cmath>
#include <limits>

#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/numbers.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

constexpr std::int64_t largest_index = std::numeric_limits<std::int32_t>::max();

bool is_blank(char letter) {
  return letter == ' ' || letter == '\t' || letter == '\r';
}

// The rows of a text; `line[row]` is where a row stands.
struct Rows {
  std::vector<double> targets;
  std::vector<std::int64_t> line;
  SparseFeatures<double> features{0, 0, {0}, {}, {}};
};

class Parser {
 public:
  Parser(std::string const& path, std::string_view text) : path_(path), text_(text) {}

  Rows all() {
    while (!text_.empty()) {
      std::string_view const line = text_.substr(0, text_.find('\n'));
      text_.remove_prefix(std::min(text_.size(), line.size() + 1));
      ++line_;
      parse_line(line.substr(0, line.find('#')));
    }
    if (rows_.targets.empty()) {
      usage_error("{}: has no rows; a line is LABEL INDEX:VALUE INDEX:VALUE …", path_);
    }
    if (rows_.features.columns == 0) usage_error("{}: has no features in any row", path_);
    rows_.features.rows = static_cast<std::int64_t>(rows_.targets.size());
    return std::move(rows_);
  }

 private:
  void parse_line(std::string_view line) {
    std::string_view const label = next_word(line);
    if (label.empty()) return;
    rows_.targets.push_back(parse_number(label, "label"));
    rows_.line.push_back(line_);
    std::int64_t last = 0;
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      last = parse_entry(word, last);
    }
    rows_.features.columns = std::max(rows_.features.columns, last);
    rows_.features.row_begin.push_back(std::ssize(rows_.features.values));
  }

  // Returns the entry's index, counted from 1 as in the file.
  std::int64_t parse_entry(std::string_view word, std::int64_t last) {
    auto const colon = word.find(':');
    if (colon == std::string_view::npos) fail("{} is not INDEX:VALUE", word);
    std::int64_t const index = parse_index(word, colon);
    if (index <= last) {
      usage_error("{}: line {}: index {} follows {}; the indices of a line must ascend", path_,
                  line_, index, last);
    }
    rows_.features.column.push_back(static_cast<std::int32_t>(index - 1));
    rows_.features.values.push_back(parse_number(word.substr(colon + 1), "value"));
    return index;
  }

  std::int64_t parse_index(std::string_view word, std::size_t colon) const {
    std::int64_t index = 0;
    auto const [end, error] = std::from_chars(word.data(), word.data() + colon, index);
    bool const too_large = error == std::errc::result_out_of_range;
    if (end != word.data() + colon || (error != std::errc{} && !too_large)) {
      fail("{} is not INDEX:VALUE", word);
    }
    if (too_large || index < 1 || index > largest_index) {
      fail("index {} is out of range; valid: 1 to 2147483647", word.substr(0, colon));
    }
    return index;
  }

  double parse_number(std::string_view word, char const* what) const {
    if (auto const value = io::parse_number(word)) return *value;
    usage_error(
        "{}: line {}: {} {} is not a finite number; a line is LABEL INDEX:VALUE INDEX:VALUE …",
        path_, line_, what, quoted(word));
  }

  static std::string_view next_word(std::string_view& line) {
    std::size_t begin = 0;
    while (begin < line.size() && is_blank(line[begin])) ++begin;
    std::size_t end = begin;
    while (end < line.size() && !is_blank(line[end])) ++end;
    std::string_view const word = line.substr(begin, end - begin);
    line.remove_prefix(end);
    return word;
  }

  [[noreturn]] void fail(fmt::format_string<std::string> text, std::string_view word) const {
    usage_error("{}: line {}: {}", path_, line_, fmt::format(text, quoted(word)));
  }

  std::string const& path_;
  std::string_view text_;
  std::int64_t line_ = 0;
  Rows rows_;
};

class LibsvmReader final : public TypedReader<LibsvmReader> {
 public:
  LibsvmReader(FileBytes const& file, Rows rows, TargetRules const& rules)
      : path_(file.path),
        targets_(std::move(rows.targets)),
        line_(std::move(rows.line)),
        features_(std::move(rows.features)) {
    shape_ = {quartic::rows(features_), columns(features_), checksum_text(file.checksum), {}, true};
    Classes classes =
        number_targets(targets_, rules, [this](std::size_t row) { return place(row); });
    classes_ = classes.count;
    facts_ = {.format = "LIBSVM",
              .kind = "sparse numbers",
              .bytes = file.length,
              .labels = std::move(classes.labels)};
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    auto const all = slice_columns(features_, columns);
    auto const& part = std::get<SparseFeatures<double>>(all);
    SparseFeatures<T> features{part.rows, part.columns, part.row_begin, part.column, {}};
    features.values.assign(part.values.begin(), part.values.end());
    for (std::size_t entry = 0; entry < features.values.size(); ++entry) {
      if (!std::isfinite(features.values[entry])) refuse_overflow(part, entry);
    }
    return {std::move(features), to_precision<T>(targets_)};
  }

 private:
  std::string place(std::size_t row) const { return fmt::format("{}: line {}", path_, line_[row]); }

  [[noreturn]] void refuse_overflow(SparseFeatures<double> const& part, std::size_t entry) const {
    auto const after = std::upper_bound(part.row_begin.begin(), part.row_begin.end(),
                                        static_cast<std::int64_t>(entry));
    auto const row = static_cast<std::size_t>(after - part.row_begin.begin()) - 1;
    usage_error("{}: value {} does not fit a float; use --precision double", place(row),
                part.values[entry]);
  }

  std::string path_;
  std::vector<double> targets_;
  std::vector<std::int64_t> line_;
  Features<double> features_;
};

}  // namespace

std::unique_ptr<Reader> open_libsvm(FileBytes const& file, TargetRules const& targets) {
  return std::make_unique<LibsvmReader>(file, Parser(file.path, without_mark(file.bytes)).all(),
                                        targets);
}

}  // namespace quartic::io
