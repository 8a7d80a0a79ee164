#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/io/columns.hpp"
#include "quartic/io/compare.hpp"
#include "quartic/io/h5_numbers.hpp"
#include "quartic/io/shard_files.hpp"
#include "quartic/io/table.hpp"
#include "value_text.hpp"

namespace quartic::io {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t rows_at_once = 1 << 14;

void require_gathered(h5::File const& file) {
  std::string const path = file.path().string();
  if (!file.has_attribute(file.id(), "format_version")) usage_error("{}: is not a trace", path);
  if (auto const version = file.integer(file.id(), "format_version");
      version != trace_format_version)
    usage_error("{}: format version {} is unknown; valid: {}", path, version, trace_format_version);
  if (file.has_attribute(file.id(), "finished")) return;
  usage_error(
      "{}: is not gathered: its run is still running, or was killed; `quartic gather {}` gathers "
      "the shards of an ended run",
      path, file.path().parent_path().string());
}

h5::File open_trace(fs::path const& path) {
  if (!fs::is_regular_file(path))
    usage_error("{}: no such file; give a run folder or its trace.h5", path.string());
  h5::File file = h5::File::open(path, H5F_ACC_RDONLY);
  require_gathered(file);
  return file;
}

bool has_path(h5::File const& file, std::string const& path) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    if (!file.has_link(file.id(), path.substr(0, end))) return false;
  }
  return true;
}

/// Rows of one table of one trace.
template <class Row>
class Rows {
 public:
  Rows(h5::File const& file, std::string const& path)
      : file_(file),
        type_(h5::row_type<Row>()),
        table_(h5::Table::open(file, file.id(), path)),
        end_(static_cast<std::int64_t>(table_.rows())) {}

  std::int64_t first() const { return first_; }
  std::int64_t size() const { return end_ - first_; }
  /// Columns that the file lacks, as one of an earlier version may, keep their undefined values.
  std::vector<Row> read(std::int64_t from, std::int64_t count) const {
    std::vector<Row> rows(static_cast<std::size_t>(count));
    table_.read(file_, type_.id(), static_cast<hsize_t>(first_) + static_cast<hsize_t>(from),
                static_cast<hsize_t>(count), rows.data());
    return rows;
  }
  /// Keeps the rows of one pipeline; the rows of a pipeline follow each other, in ascending order.
  void keep_pipeline(int pipeline) {
    first_ = end_of_pipeline(pipeline - 1);
    end_ = end_of_pipeline(pipeline);
  }

 private:
  std::int64_t end_of_pipeline(int pipeline) const {
    std::int64_t low = 0;
    for (std::int64_t high = end_; low < high;) {
      std::int64_t const middle = low + (high - low) / 2;
      if (read(middle - first_, 1).front().pipeline <= pipeline)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  h5::File const& file_;
  h5::Handle type_;
  h5::Table table_;
  std::int64_t first_ = 0;
  std::int64_t end_;
};

std::vector<Column> computed(std::span<Column const> all) {
  std::vector<Column> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found),
               [](Column const& column) { return column.source == Source::computation; });
  return found;
}

template <class Row>
std::int64_t microbatch_of(Row const& row) {
  if constexpr (std::is_same_v<Row, engine::ObjectiveRow>) {
    return -1;
  } else {
    return row.microbatch;
  }
}

/// Orders differences by when they arise in the training.
auto moment(Difference const& difference) {
  auto const none_is_last = [](std::int64_t number) {
    return number < 0 ? std::numeric_limits<std::int64_t>::max() : number;
  };
  return std::tuple(none_is_last(difference.microbatch), none_is_last(difference.stage),
                    difference.pipeline);
}

class Comparer {
 public:
  Comparer(h5::File const& left, h5::File const& right) : left_(left), right_(right) {}

  /// Compares the table at `path`; `pair` has its name, stage and pipeline.
  template <class Row>
  void compare(TablePair pair, std::string const& path) {
    bool const in_left = has_path(left_, path);
    bool const in_right = has_path(right_, path);
    if (!in_left && !in_right) return;
    if (in_left && in_right) {
      compare_rows<Row>(pair, Rows<Row>(left_, path), Rows<Row>(right_, path));
    } else if (in_left) {
      pair.left_rows = Rows<Row>(left_, path).size();
    } else {
      pair.right_rows = Rows<Row>(right_, path).size();
    }
    found_.tables.push_back(std::move(pair));
  }

  TraceComparison take() { return std::move(found_); }

 private:
  template <class Row>
  void compare_rows(TablePair& pair, Rows<Row> left, Rows<Row> right) {
    if constexpr (std::is_same_v<Row, engine::LossRow>) {
      left.keep_pipeline(pair.pipeline);
      right.keep_pipeline(pair.pipeline);
    }
    pair.left_rows = left.size();
    pair.right_rows = right.size();
    pair.compared = std::min(left.size(), right.size());
    for (std::int64_t from = 0; from < pair.compared; from += rows_at_once) {
      std::int64_t const count = std::min(rows_at_once, pair.compared - from);
      compare_block(pair, left.first() + from, left.read(from, count), right.read(from, count));
    }
  }

  template <class Row>
  void compare_block(TablePair& pair, std::int64_t first, std::vector<Row> const& left,
                     std::vector<Row> const& right) {
    static std::vector<Column> const compared = computed(columns<Row>());
    for (std::size_t i = 0; i < left.size(); ++i) {
      auto const* const a = reinterpret_cast<std::byte const*>(&left[i]);
      auto const* const b = reinterpret_cast<std::byte const*>(&right[i]);
      auto const column = std::find_if(compared.begin(), compared.end(), [&](Column const& each) {
        return std::memcmp(a + each.offset, b + each.offset, each.size) != 0;
      });
      if (column == compared.end()) continue;
      ++pair.differing;
      note({.microbatch = microbatch_of(left[i]),
            .stage = pair.stage,
            .pipeline = pair.pipeline,
            .table = pair.name,
            .column = column->name,
            .row = first + static_cast<std::int64_t>(i),
            .values = {}},
           [&] { return both_values(column->kind, a + column->offset, b + column->offset); });
    }
  }

  template <class Values>
  void note(Difference difference, Values values) {
    if (found_.first && moment(*found_.first) <= moment(difference)) return;
    difference.values = values();
    found_.first = std::move(difference);
  }

  h5::File const& left_;
  h5::File const& right_;
  TraceComparison found_;
};

void compare_stage(Comparer& comparer, int pipeline, int stage) {
  std::string const group = stages_path(pipeline) + "/" + stage_name(stage) + "/";
  auto const pair = [&](char const* name) {
    return TablePair{.name = name, .stage = stage, .pipeline = pipeline};
  };
  comparer.compare<engine::StepRow>(pair("steps"), group + "steps");
  comparer.compare<engine::EventRow>(pair("events"), group + "events");
  comparer.compare<engine::StaleReadRow>(pair("stale_read"), group + "stale_read");
}

/// The losses come before the steps of the last stage, which makes them.
TraceComparison compare_tables(h5::File const& left, h5::File const& right, int pipelines,
                               int stages) {
  Comparer comparer(left, right);
  for (int pipeline = 0; pipeline < pipelines; ++pipeline) {
    comparer.compare<engine::LossRow>({.name = "loss", .stage = stages - 1, .pipeline = pipeline},
                                      "loss");
    for (int stage = 0; stage < stages; ++stage) compare_stage(comparer, pipeline, stage);
  }
  comparer.compare<engine::StaleReadRow>({.name = "stale_read"}, "stale_read");
  comparer.compare<engine::ObjectiveRow>({.name = "objective"}, "objective");
  comparer.compare<engine::ObjectiveRow>({.name = "validation"}, "validation");
  return comparer.take();
}

std::string other_shape(h5::File const& left, h5::File const& right) {
  for (char const* const name : {"pipelines", "stages"}) {
    std::int64_t const a = left.integer(left.id(), name);
    std::int64_t const b = right.integer(right.id(), name);
    if (a != b) return fmt::format("{} and {} {}", a, b, name);
  }
  return {};
}

std::string text_of(h5::File const& file, std::string const& name) {
  return file.has_attribute(file.id(), name) ? file.text(file.id(), name) : std::string();
}

}  // namespace

TraceComparison compare_traces(fs::path const& left_path, fs::path const& right_path) {
  return h5::reading([&] {
    h5::File const left = open_trace(left_path);
    h5::File const right = open_trace(right_path);
    auto const pipelines = left.integer(left.id(), "pipelines");
    auto const stages = left.integer(left.id(), "stages");
    TraceComparison found;
    std::string const shape = other_shape(left, right);
    if (shape.empty()) {
      found = compare_tables(left, right, static_cast<int>(pipelines), static_cast<int>(stages));
    }
    found.other_shape = shape;
    found.pipelines = pipelines;
    for (char const* const name :
         {"config", "data_checksum", "git", "cpu", "blas_core", "device"}) {
      std::string const a = text_of(left, name);
      std::string const b = text_of(right, name);
      if (a != b) found.attributes[name] = {a, b};
    }
    return found;
  });
}

}  // namespace quartic::io
