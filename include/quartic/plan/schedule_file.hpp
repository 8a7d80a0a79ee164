#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quartic/plan/action.hpp"

namespace quartic::plan {

/// One cell of a schedule file that is not idle, and where it stands.
struct ListedAction {
  Action action;
  int worker = 0;  ///< its line, from 0
  int column = 1;  ///< from 1, idle cells counted
};

/// "0F3 (line 1, column 4)".
std::string to_text(ListedAction const& listed);

/// The order of work of every worker, as a schedule file lists it: comma-separated, one line a
/// worker, cells `0F3` as `quartic plan --format csv` and PyTorch's pipelining schedules write
/// them, an empty cell for an idle slot. Lines need not be equally long; spaces, quotes around a
/// cell, CRLF and empty lines at the end are of no account.
///
/// A worker owns the stages that its line names. The actions are complete and none is there twice:
/// of every stage and microbatch one F, then one B, or one I and later one W.
class ScheduleFile {
 public:
  /// UsageError says which cell (line and column), action or stage is wrong. Time O(n log n) and
  /// memory O(n) for n bytes, whatever they are.
  explicit ScheduleFile(std::string_view csv);

  int stages() const { return stages_; }
  int workers() const { return static_cast<int>(line_begins_.size()) - 1; }
  std::int64_t microbatches() const { return microbatches_; }
  int worker_of(int stage) const;

  /// All actions, line after line; the actions of a worker are numbers begin() up to end().
  std::span<ListedAction const> actions() const { return actions_; }
  std::size_t begin(int worker) const { return line_begins_[static_cast<std::size_t>(worker)]; }
  std::size_t end(int worker) const { return begin(worker + 1); }

  /// The numbers of the F and of the B (or I) of one microbatch at one stage.
  std::size_t forward(int stage, std::int64_t microbatch) const;
  std::size_t backward(int stage, std::int64_t microbatch) const;
  /// The action of a neighbouring stage whose result this one works on; F of the first stage, B and
  /// I of the last, and W have none.
  std::optional<std::size_t> input(Action const& action) const;
  /// The action of a neighbouring stage that works on the result of this one, if there is one.
  std::optional<std::size_t> output(Action const& action) const;

 private:
  void read_line(std::string_view line, int worker);
  void read_lines(std::string_view csv);
  void find_passes();
  std::size_t place(int stage, std::int64_t microbatch) const;

  int stages_ = 0;
  std::int64_t microbatches_ = 0;
  std::vector<ListedAction> actions_;
  std::vector<std::size_t> line_begins_;  // by worker, and the end of the last line
  std::vector<std::size_t> forwards_;     // by stage, then microbatch
  std::vector<std::size_t> backwards_;
};

}  // namespace quartic::plan
