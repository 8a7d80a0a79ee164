#include "quartic/plan/schedule_file.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

#include "quartic/core/check.hpp"

namespace quartic::plan {
namespace {

/// Takes the text before the next `separator` from `rest`, and the separator.
std::string_view take(std::string_view& rest, char separator) {
  std::string_view const part = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r";
  text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
  return text.substr(0, text.find_last_not_of(space) + 1);
}

std::string_view without_quotes(std::string_view text) {
  bool const has_quotes = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return has_quotes ? trimmed(text.substr(1, text.size() - 2)) : text;
}

/// Takes the number that `rest` begins with. Nine digits fit into any integer.
std::optional<int> take_number(std::string_view& rest) {
  constexpr std::size_t most_digits = 9;
  std::size_t const digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  if (digits == 0 || digits > most_digits) return {};
  int number = 0;
  for (char const digit : rest.substr(0, digits)) number = 10 * number + (digit - '0');
  rest.remove_prefix(digits);
  return number;
}

std::optional<Kind> take_kind(std::string_view& rest) {
  if (rest.empty()) return {};
  char const first = rest.front();
  rest.remove_prefix(1);
  for (Kind const kind :
       {Kind::forward, Kind::backward, Kind::backward_input, Kind::backward_weight}) {
    if (first == letter(kind)) return kind;
  }
  return {};
}

std::optional<Action> action_of(std::string_view cell) {
  std::optional<int> const stage = take_number(cell);
  std::optional<Kind> const kind = take_kind(cell);
  std::optional<int> const microbatch = take_number(cell);
  if (!stage || !kind || !microbatch || !cell.empty()) return {};
  return Action{*kind, *stage, *microbatch};
}

// Rules of a schedule file. All of them look at the actions by stage, microbatch and kind: what
// belongs together is side by side. Their addresses tell their order in the file.

using Sorted = std::vector<ListedAction const*>;
using Pass = std::span<ListedAction const* const>;  // all actions of a microbatch at a stage

Sorted sorted(std::span<ListedAction const> actions) {
  Sorted pointers;
  pointers.reserve(actions.size());
  for (ListedAction const& listed : actions) pointers.push_back(&listed);
  std::sort(pointers.begin(), pointers.end(), [](auto const* one, auto const* other) {
    Action const& a = one->action;
    Action const& b = other->action;
    return std::tie(a.stage, a.microbatch, a.kind, one) <
           std::tie(b.stage, b.microbatch, b.kind, other);
  });
  return pointers;
}

void refuse_shared_stages(Sorted const& actions) {
  auto const shared =
      std::adjacent_find(actions.begin(), actions.end(), [](auto const* one, auto const* other) {
        return one->action.stage == other->action.stage && one->worker != other->worker;
      });
  if (shared == actions.end()) return;
  usage_error("stage {} is on two workers: {} and {}", (*shared)->action.stage, to_text(**shared),
              to_text(**std::next(shared)));
}

void refuse_repetition(Pass pass) {
  auto const twice = std::adjacent_find(pass.begin(), pass.end(), [](auto* one, auto* other) {
    return one->action == other->action;
  });
  if (twice == pass.end()) return;
  usage_error("{} is listed twice, the second time on line {}, column {}", to_text(**twice),
              (*std::next(twice))->worker + 1, (*std::next(twice))->column);
}

/// F and B, or F, I and W. `forward` is the F that belongs to the pass.
void require_complete(Pass pass, Action const& forward, ScheduleFile const& file) {
  std::string kinds;
  for (ListedAction const* listed : pass) kinds += letter(listed->action.kind);
  if (kinds == "FB" || kinds == "FIW") return;
  if (kinds.starts_with("FB")) {
    usage_error("{} is listed together with {}; a backward is either B, or I and W",
                to_text(*pass[1]), to_text(*pass[2]));
  }
  auto const text = [&](Kind kind) {
    return to_text(Action{kind, forward.stage, forward.microbatch});
  };
  std::string missing = text(Kind::forward);
  if (kinds == "FI") missing = text(Kind::backward_weight);
  if (kinds == "FW") missing = text(Kind::backward_input);
  if (kinds == "F") missing = text(Kind::backward);
  usage_error("{} is missing; the largest stage listed is {}, the largest microbatch {}", missing,
              file.stages() - 1, file.microbatches() - 1);
}

void require_order(Pass pass) {
  auto const wrong = std::adjacent_find(pass.begin(), pass.end(), std::greater<>());
  if (wrong == pass.end()) return;
  usage_error("{} is listed before {}, which it needs", to_text(**std::next(wrong)),
              to_text(**wrong));
}

}  // namespace

std::string to_text(ListedAction const& listed) {
  return fmt::format("{} (line {}, column {})", to_text(listed.action), listed.worker + 1,
                     listed.column);
}

ScheduleFile::ScheduleFile(std::string_view csv) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";  // spreadsheets put it first
  if (csv.starts_with(byte_order_mark)) csv.remove_prefix(byte_order_mark.size());
  read_lines(csv);
  for (auto const& [action, worker, column] : actions_) {
    stages_ = std::max(stages_, action.stage + 1);
    microbatches_ = std::max(microbatches_, action.microbatch + 1);
  }
  find_passes();
}

void ScheduleFile::read_lines(std::string_view csv) {
  int empty_line = 0;
  for (int line = 1; !csv.empty(); ++line) {
    std::size_t const begin = actions_.size();
    read_line(take(csv, '\n'), line - 1);
    if (actions_.size() == begin) {
      if (empty_line == 0) empty_line = line;
    } else if (empty_line > 0) {
      usage_error(
          "line {} lists no action; each line is a worker and must list the actions of at least "
          "one stage",
          empty_line);
    } else {
      line_begins_.push_back(begin);
    }
  }
  if (actions_.empty())
    usage_error("lists no action; a schedule file has one line per worker, with cells such as 0F3");
  line_begins_.push_back(actions_.size());
}

void ScheduleFile::read_line(std::string_view line, int worker) {
  for (int column = 1; !line.empty(); ++column) {
    std::string_view const cell = without_quotes(trimmed(take(line, ',')));
    if (cell.empty()) continue;
    std::optional<Action> const action = action_of(cell);
    if (!action) {
      usage_error(
          "line {}, column {}: {} is not STAGE LETTER MICROBATCH such as 0F3; the letters are F "
          "(forward), B (backward), I (input gradient) and W (weight gradient)",
          worker + 1, column, quoted(cell));
    }
    actions_.push_back({*action, worker, column});
  }
}

/// Finds every microbatch's passes at every stage, or the first one that is not as it should be.
void ScheduleFile::find_passes() {
  Sorted const all = sorted(actions_);
  refuse_shared_stages(all);
  auto const number = [&](ListedAction const* listed) {
    return static_cast<std::size_t>(listed - actions_.data());
  };
  auto next = all.begin();
  for (int stage = 0; stage < stages_; ++stage) {
    for (std::int64_t microbatch = 0; microbatch < microbatches_; ++microbatch) {
      auto const begin = next;
      next = std::find_if(begin, all.end(), [&](ListedAction const* listed) {
        return listed->action.stage != stage || listed->action.microbatch != microbatch;
      });
      Pass const pass(begin, next);
      refuse_repetition(pass);
      require_complete(pass, {Kind::forward, stage, microbatch}, *this);
      require_order(pass);
      forwards_.push_back(number(pass[0]));
      backwards_.push_back(number(pass[1]));
    }
  }
}

std::size_t ScheduleFile::place(int stage, std::int64_t microbatch) const {
  return static_cast<std::size_t>(stage * microbatches_ + microbatch);
}

std::size_t ScheduleFile::forward(int stage, std::int64_t microbatch) const {
  return forwards_[place(stage, microbatch)];
}

std::size_t ScheduleFile::backward(int stage, std::int64_t microbatch) const {
  return backwards_[place(stage, microbatch)];
}

int ScheduleFile::worker_of(int stage) const {
  return actions_[forward(stage, 0)].worker;
}

std::optional<std::size_t> ScheduleFile::input(Action const& action) const {
  auto const [kind, stage, microbatch, count] = action;
  if (kind == Kind::forward && stage > 0) return forward(stage - 1, microbatch);
  bool const is_backward = kind == Kind::backward || kind == Kind::backward_input;
  if (is_backward && stage + 1 < stages_) return backward(stage + 1, microbatch);
  return {};
}

std::optional<std::size_t> ScheduleFile::output(Action const& action) const {
  auto const [kind, stage, microbatch, count] = action;
  if (kind == Kind::forward && stage + 1 < stages_) return forward(stage + 1, microbatch);
  bool const is_backward = kind == Kind::backward || kind == Kind::backward_input;
  if (is_backward && stage > 0) return backward(stage - 1, microbatch);
  return {};
}

}  // namespace quartic::plan
