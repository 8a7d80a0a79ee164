#include "run_display.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "quartic/core/figures.hpp"

namespace quartic::app {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t line_period_ns = 10 * second_ns;
constexpr std::int64_t bar_period_ns = second_ns / 5;
constexpr double worth_a_line_s = 2;  // of evaluation, when all is trained
constexpr char const* between = " · ";

double seconds(std::int64_t ns) {
  return static_cast<double>(ns) / second_ns;
}

std::size_t terminal_columns() {
  winsize size{};
  bool const known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

/// Letters of a text in UTF-8.
std::size_t width(std::string const& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

}  // namespace

RunDisplay::RunDisplay(DisplaySettings settings, Log& log)
    : settings_(std::move(settings)), log_(log) {}

void RunDisplay::losses(double sum, std::int64_t count) {
  loss_sum_ += sum;
  losses_ += count;
}

void RunDisplay::stands(engine::Standing const& standing) {
  if (!first_) first_ = last_ = standing;
  if (standing.passes_left == 0) passes_before_ = standing.passes;
  bool const begins = !has_line_ && standing.microbatches > first_->microbatches && losses_ > 0;
  bool const ends = !said_trained_ && standing.microbatches == settings_.microbatches;
  said_trained_ |= ends;
  bool const due = begins || (ends && seconds_left(standing) >= worth_a_line_s) ||
                   standing.wall_ns - last_.wall_ns >= line_period_ns;
  bool const bar_due = settings_.on_terminal && !settings_.quiet && standing.wall_ns >= bar_due_ns_;
  if (!due && !bar_due) return;
  std::string const line = text(standing);
  if (bar_due) draw_bar(standing, line);
  if (!due) return;
  log_.info(line);
  if (!settings_.on_terminal && !settings_.quiet) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }
  has_line_ |= standing.microbatches > first_->microbatches;
  last_ = standing;
  loss_sum_ = 0;
  losses_ = 0;
}

std::string RunDisplay::text(engine::Standing const& standing) {
  bool const evaluates =
      standing.passes > last_.passes && standing.microbatches == last_.microbatches;
  bool const is_trained = standing.microbatches == settings_.microbatches;
  return (evaluates || is_trained) && standing.passes_left > 0 ? evaluation_text(standing)
                                                               : training_text(standing);
}

std::string RunDisplay::training_text(engine::Standing const& standing) {
  if (losses_ > 0) loss_ = loss_sum_ / static_cast<double>(losses_);
  if (standing.microbatches > last_.microbatches) {
    rate_ = static_cast<double>(standing.microbatches - last_.microbatches) *
            settings_.units_a_microbatch / seconds(standing.wall_ns - last_.wall_ns);
  }
  std::vector<std::string> parts{fmt::format("microbatch {}/{}", grouped(standing.microbatches),
                                             grouped(settings_.microbatches))};
  if (settings_.is_network && !std::isnan(loss_))
    parts.push_back(fmt::format("loss {}", number(loss_)));
  if (!settings_.is_network && objective_)
    parts.push_back(fmt::format("objective {}", number(objective_->value)));
  if (validation_) {
    parts.push_back(fmt::format("val {}", number(validation_->value)));
    if (!std::isnan(validation_->accuracy))
      parts.push_back(fmt::format("acc {:.1f} %", 100 * validation_->accuracy));
  }
  if (!std::isnan(rate_)) {
    parts.push_back(fmt::format("{} {}/s", rate(rate_), settings_.unit));
    parts.push_back(fmt::format("{} left", clock_time(seconds_left(standing))));
  }
  return fmt::format("{}", fmt::join(parts, between));
}

std::string RunDisplay::evaluation_text(engine::Standing const& standing) const {
  std::int64_t const done = standing.passes - passes_before_;
  return fmt::format("evaluating after microbatch {}/{}: {} of {} passes{}{} left",
                     grouped(standing.microbatches), grouped(settings_.microbatches), grouped(done),
                     grouped(done + standing.passes_left), between,
                     clock_time(seconds_left(standing)));
}

/// What is to be trained, at the speed so far, and what is to be evaluated: the snapshots that
/// there are, those to come if they go on to be as frequent, and that of the end.
double RunDisplay::seconds_left(engine::Standing const& standing) const {
  std::int64_t const evaluating_ns = standing.evaluating_ns - first_->evaluating_ns;
  auto const trained = static_cast<double>(standing.microbatches - first_->microbatches);
  auto const to_train = static_cast<double>(settings_.microbatches - standing.microbatches);
  if (trained == 0) return 0;
  double const a_microbatch =
      std::max(0.0, seconds(standing.wall_ns - first_->wall_ns - evaluating_ns) / trained);
  auto passes = static_cast<double>(standing.passes_left);
  if (to_train > 0) {
    auto const snapshots = static_cast<double>(standing.snapshots - first_->snapshots);
    passes += standing.passes_a_snapshot * std::max(1.0, (snapshots - 1) * to_train / trained);
  }
  return to_train * a_microbatch + passes * pass_seconds(standing, a_microbatch);
}

/// Returns the mean time of the passes so far. Before the first pass it is an estimate: a forward
/// takes a third of the time of training on the same rows.
double RunDisplay::pass_seconds(engine::Standing const& standing, double a_microbatch) const {
  std::int64_t const passes = standing.passes - first_->passes;
  if (passes > 0)
    return seconds(standing.evaluating_ns - first_->evaluating_ns) / static_cast<double>(passes);
  return a_microbatch / 3 * static_cast<double>(standing.rows_a_pass) /
         static_cast<double>(settings_.rows_a_microbatch);
}

void RunDisplay::draw_bar(engine::Standing const& standing, std::string const& text) {
  constexpr std::size_t cells = 20;
  bar_due_ns_ = standing.wall_ns + bar_period_ns;
  auto const filled = static_cast<std::size_t>(standing.microbatches) * cells /
                      static_cast<std::size_t>(settings_.microbatches);
  bool const fits = width(text) + cells + 3 < terminal_columns();
  std::string const bar =
      fits ? fmt::format("[{}{}] ", std::string(filled, '='), std::string(cells - filled, ' '))
           : "";
  fmt::print("\r{}{}\x1b[K", bar, text);
  std::fflush(stdout);
  bar_is_open_ = true;
}

void RunDisplay::end_bar() {
  if (bar_is_open_) fmt::print("\n");
  bar_is_open_ = false;
}

}  // namespace quartic::app
