#include "quartic/comm/local_ranks.hpp"

#include <map>

namespace quartic::comm {

std::vector<int> local_ranks(std::vector<std::string> const& hosts) {
  std::map<std::string, int> seen;
  std::vector<int> numbers;
  numbers.reserve(hosts.size());
  for (std::string const& host : hosts) numbers.push_back(seen[host]++);
  return numbers;
}

}  // namespace quartic::comm
