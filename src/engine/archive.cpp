#include "quartic/engine/archive.hpp"

#include "quartic/core/check.hpp"

namespace quartic::engine {
namespace {

void visit(Archive& archive, std::string const& name, RecordedRows& rows) {
  archive.integer(name, rows.count);
  archive.integer(name + "_hash", rows.hash.value);
}

}  // namespace

void require_restored(bool right, std::string_view what) {
  if (!right) failure("the checkpoint is damaged: no run could have written its {}", what);
}

void visit(Archive& archive, RecordedTables& tables) {
  auto const group = archive.group("rows");
  visit(archive, "steps", tables.steps);
  visit(archive, "events", tables.events);
  visit(archive, "losses", tables.losses);
  visit(archive, "stale_reads", tables.stale_reads);
  visit(archive, "objectives", tables.objectives);
  visit(archive, "validations", tables.validations);
}

}  // namespace quartic::engine
