#pragma once

#include <span>

#include "quartic/engine/records.hpp"

namespace quartic::test {

/// Drops every row; those that want some of them take these.
struct NoSink : engine::RecordSink {
  void steps(int /*place*/, std::span<engine::StepRow const>) override {}
  void events(int /*place*/, std::span<engine::EventRow const>) override {}
  void losses(int /*place*/, std::span<engine::LossRow const>) override {}
  void stale_reads(int /*place*/, std::span<engine::StaleReadRow const>) override {}
  void objectives(std::span<engine::ObjectiveRow const>) override {}
  void validations(std::span<engine::ObjectiveRow const>) override {}
  void memory(engine::MemoryRow const&) override {}
  void flush() override {}
  void sync() override {}
};

}  // namespace quartic::test
