#pragma once

#include <cstdint>
#include <optional>

#include "quartic/app/config.hpp"
#include "quartic/io/data.hpp"

namespace quartic::app {

/// Whether the objective is made of layers, and its targets are classes or tokens.
bool is_network(Config const& config);

/// --data, read as the objective needs it.
io::DataSource data_source(Config const& config);

/// --validation: where the held-out rows lie among all, after those to train on.
struct HeldOut {
  std::optional<io::DataSource> source;  ///< where they are a file of their own
  std::int64_t first = 0;                ///< as many rows to train on come before
  std::int64_t rows = 0;                 ///< held out
};

/// UsageError for a fraction that leaves no rows on one side, and for a file whose rows are not
/// like those of the training data.
HeldOut held_out(Config const& config, io::DataSource const& training);

}  // namespace quartic::app
