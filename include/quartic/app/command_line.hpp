#pragma once

#include <string>
#include <vector>

#include "quartic/app/config.hpp"

namespace quartic::app {

/// The Config of `quartic run` or `quartic plan`: the command line over the file of --config over
/// the defaults. UsageError for what is unknown, given twice, or out of range.
Config parse(Command command, std::vector<std::string> const& arguments);

/// The help of one command.
std::string help(Command command);

}  // namespace quartic::app
