#pragma once

#include <map>
#include <string>

#include "quartic/app/setup.hpp"

namespace quartic::app {

/// The line that a run prints about its data:
/// "data: text, 1,115,394 bytes, 65 distinct, 8,714 rows of 128; validation: the last 10 %, 871
/// rows".
std::string data_line(Resolved const& resolved);

/// The same facts for the trace: data_format, data_bytes, data_rows, data_features, data_classes or
/// data_vocabulary, data_labels, data_tokens, data_rows_left_out, validation_format,
/// validation_bytes, validation_rows; those that the data has.
std::map<std::string, std::string> data_attributes(Resolved const& resolved);

}  // namespace quartic::app
