#pragma once

#include <string>
#include <vector>

namespace quartic::comm {

/// The number of every rank on its node: how many ranks before it have the same host. For example
/// hosts a, a, b, a give 0, 1, 0, 2.
std::vector<int> local_ranks(std::vector<std::string> const& hosts);

}  // namespace quartic::comm
