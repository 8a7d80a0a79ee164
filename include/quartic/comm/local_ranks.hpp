#pragma once

#include <string>
#include <vector>

namespace quartic::comm {

/// Of every rank, how many ranks before it have the same host: its number on its node. For example
/// hosts a, a, b, a give 0, 1, 0, 2.
std::vector<int> local_ranks(std::vector<std::string> const& hosts);

}  // namespace quartic::comm
