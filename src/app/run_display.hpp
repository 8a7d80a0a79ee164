#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "quartic/core/log.hpp"
#include "quartic/engine/watcher.hpp"

namespace quartic::app {

/// What a run displays of itself is measured in.
struct DisplaySettings {
  std::int64_t microbatches = 0;  ///< in all, of one pipeline
  bool is_network = false;        ///< shows its loss; else its objective
  std::string unit;               ///< "tokens" or "rows"
  double units_a_microbatch = 0;  ///< of all pipelines together
  std::int64_t rows_a_microbatch = 0;
  bool on_terminal = false;  ///< a bar that is drawn again; else a line every ten seconds
  bool quiet = false;        ///< the log alone
};

/// How far a run is, on stdout and in its log: rank 0. On a terminal a bar that changes five times
/// a second, elsewhere a line after the first microbatch and then every ten seconds, as in the log:
///
///   microbatch 1,200/4,000 · loss 2.71 · val 2.70 · acc 24.6 % · 8,700 tokens/s · 1:10 left
///
/// The loss is the mean over the microbatches since the line before; `val` and `acc` are those of
/// the last evaluation of held-out rows.
class RunDisplay final : public engine::Watcher {
 public:
  /// `log` must outlive this.
  RunDisplay(DisplaySettings settings, Log& log);
  ~RunDisplay() override { end_bar(); }
  RunDisplay(RunDisplay const&) = delete;
  RunDisplay& operator=(RunDisplay const&) = delete;

  void losses(double sum, std::int64_t count) override;
  void objective(engine::ObjectiveRow const& row) override { objective_ = row; }
  void validation(engine::ObjectiveRow const& row) override { validation_ = row; }
  void stands(engine::Standing const& standing) override;
  /// Before anything else is printed.
  void end_bar();

 private:
  std::string text(engine::Standing const& standing);
  std::string training_text(engine::Standing const& standing);
  std::string evaluation_text(engine::Standing const& standing) const;
  double seconds_left(engine::Standing const& standing) const;
  double pass_seconds(engine::Standing const& standing, double a_microbatch) const;
  void draw_bar(engine::Standing const& standing, std::string const& text);

  DisplaySettings settings_;
  Log& log_;
  double loss_sum_ = 0;  // since the last line
  std::int64_t losses_ = 0;
  double loss_ = engine::undefined;  // of the last line
  double rate_ = engine::undefined;  // units a second, since the line before
  std::optional<engine::ObjectiveRow> objective_;
  std::optional<engine::ObjectiveRow> validation_;
  std::optional<engine::Standing> first_;  // where this start of the run began
  engine::Standing last_;                  // of the last line
  std::int64_t passes_before_ = 0;         // of what is being evaluated now
  bool has_line_ = false;
  bool said_trained_ = false;
  std::int64_t bar_due_ns_ = 0;
  bool bar_is_open_ = false;
};

}  // namespace quartic::app
