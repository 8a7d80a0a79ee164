#include "quartic/core/progress.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "quartic/core/clock.hpp"

namespace quartic {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t terminal_period_ns = second_ns / 5;
constexpr std::int64_t log_period_ns = 60 * second_ns;

std::string duration(double seconds) {
  std::int64_t const whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

}  // namespace

Progress::Progress(std::string label, std::string unit, std::int64_t total, bool quiet)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      shown_(!quiet),
      terminal_(isatty(STDERR_FILENO) == 1),
      begin_ns_(monotonic_ns()),
      due_ns_(begin_ns_ + (terminal_ ? terminal_period_ns : log_period_ns)) {}

Progress::~Progress() {
  if (line_open_) fmt::print(stderr, "\n");
}

void Progress::at(std::int64_t done) {
  if (!shown_) return;
  if (first_ < 0) first_ = done;
  std::int64_t const now_ns = monotonic_ns();
  bool const last = done == total_ && line_open_;
  if (now_ns < due_ns_ && !last) return;
  due_ns_ = now_ns + (terminal_ ? terminal_period_ns : log_period_ns);
  show(done, now_ns);
}

void Progress::show(std::int64_t done, std::int64_t now_ns) {
  double const elapsed = static_cast<double>(now_ns - begin_ns_) / second_ns;
  double const rate = static_cast<double>(done - first_) / elapsed;
  double const share = static_cast<double>(done) / static_cast<double>(total_);
  std::string const left = rate > 0 ? duration(static_cast<double>(total_ - done) / rate) : "?";
  std::string const text = fmt::format("{} {}/{} {} ({:.0f}%), {:.4g}/s, {} left", label_, done,
                                       total_, unit_, 100 * share, rate, left);
  if (terminal_) {
    constexpr int width = 24;
    int const filled = std::clamp(static_cast<int>(share * width), 0, width);
    fmt::print(stderr, "\r[{:=<{}}{: <{}}] {}\x1b[K", "", filled, "", width - filled, text);
    std::fflush(stderr);
    line_open_ = true;
  } else {
    fmt::print(stderr, "{}\n", text);
  }
}

}  // namespace quartic
