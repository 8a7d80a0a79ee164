#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace quartic::io {

/// Reads a table of a gathered `FOLDER/trace.h5`, by its path there, a block of rows at a time; no
/// rows where the trace has no such table. For LossRow, ObjectiveRow and RankRow. Failure where it
/// cannot be read.
template <class Row>
void read_rows(std::filesystem::path const& folder, std::string const& table,
               std::function<void(std::span<Row const>)> const& visit);

}  // namespace quartic::io
