#include "quartic/engine/recorder.hpp"

namespace quartic::engine {
namespace {

constexpr std::int64_t flush_period_ns = 1'000'000'000;
constexpr std::size_t buffered_rows = 1024;  // reserved once; a full buffer is flushed early

}  // namespace

Recorder::Recorder(RecordSink& sink, int places, std::int64_t every, Bulletin* bulletin)
    : sink_(sink), bulletin_(bulletin), every_(every), stages_(static_cast<std::size_t>(places)) {
  for (StageRows& stage : stages_) {
    stage.steps.reserve(buffered_rows);
    stage.events.reserve(buffered_rows);
  }
  objectives_.reserve(buffered_rows);
  validations_.reserve(buffered_rows);
}

void Recorder::step(int place, StepRow const& row) {
  StageRows& own = rows(place);
  if (row.microbatch % every_ == 0) {
    own.steps.push_back(row);
    own.recorded.steps.add(row);
  }
  if (own.steps.size() == buffered_rows) flush();
  flush_when_due(row.backward_end_ns);
}

void Recorder::event(int place, EventRow const& row) {
  rows(place).events.push_back(row);
  rows(place).recorded.events.add(row);
  if (rows(place).events.size() == buffered_rows) flush();
}

void Recorder::loss(int place, LossRow const& row) {
  std::vector<LossRow>& losses = rows(place).losses;
  if (losses.capacity() == 0) losses.reserve(buffered_rows);  // only last stages have any
  losses.push_back(row);
  rows(place).recorded.losses.add(row);
  if (bulletin_ != nullptr && row.pipeline == 0) bulletin_->loss(row.loss, row.wall_ns);
  if (losses.size() == buffered_rows) flush();
}

void Recorder::stale_read(int place, StaleReadRow const& row) {
  std::vector<StaleReadRow>& stale_reads = rows(place).stale_reads;
  if (stale_reads.capacity() == 0) stale_reads.reserve(buffered_rows);  // only where asked for
  stale_reads.push_back(row);
  rows(place).recorded.stale_reads.add(row);
  if (stale_reads.size() == buffered_rows) flush();
}

void Recorder::objective(int place, ObjectiveRow const& row) {
  objectives_.push_back(row);
  rows(place).recorded.objectives.add(row);
  if (bulletin_ != nullptr) bulletin_->objective(row);
  if (objectives_.size() == buffered_rows) flush();
}

void Recorder::validation(int place, ObjectiveRow const& row) {
  validations_.push_back(row);
  rows(place).recorded.validations.add(row);
  if (bulletin_ != nullptr) bulletin_->validation(row);
  if (validations_.size() == buffered_rows) flush();
}

void Recorder::flush_when_due(std::int64_t now_ns) {
  if (now_ns - last_flush_ns_ < flush_period_ns) return;
  flush();
  last_flush_ns_ = now_ns;
}

void Recorder::flush() {
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    StageRows& stage = stages_[i];
    int const place = static_cast<int>(i);
    if (!stage.steps.empty()) sink_.steps(place, stage.steps);
    if (!stage.events.empty()) sink_.events(place, stage.events);
    if (!stage.losses.empty()) sink_.losses(place, stage.losses);
    if (!stage.stale_reads.empty()) sink_.stale_reads(place, stage.stale_reads);
    stage.steps.clear();
    stage.losses.clear();
    stage.stale_reads.clear();
    stage.events.clear();
  }
  if (!objectives_.empty()) sink_.objectives(objectives_);
  if (!validations_.empty()) sink_.validations(validations_);
  objectives_.clear();
  validations_.clear();
  sink_.flush();
}

void Recorder::sync() {
  flush();
  sink_.sync();
}

void Recorder::state(int place, Archive& archive) {
  visit(archive, rows(place).recorded);
}

}  // namespace quartic::engine
