#include "quartic/engine/archive.hpp"

namespace quartic::engine {

void visit(Archive& archive, RowCounts& counts) {
  auto const group = archive.group("rows");
  archive.integer("steps", counts.steps);
  archive.integer("events", counts.events);
  archive.integer("losses", counts.losses);
  archive.integer("stale_reads", counts.stale_reads);
  archive.integer("objectives", counts.objectives);
  archive.integer("validations", counts.validations);
}

}  // namespace quartic::engine
