#pragma once

#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "quartic/comm/communicator.hpp"

namespace quartic::engine {

/// Collective. The rows of all ranks, rank after rank, on every rank.
template <class Row>
std::vector<Row> gather_rows(comm::Communicator& communicator, std::vector<Row> const& mine) {
  static_assert(std::is_trivially_copyable_v<Row>);
  std::string const bytes(reinterpret_cast<char const*>(mine.data()), mine.size() * sizeof(Row));
  std::vector<Row> all;
  for (std::string const& part : communicator.gather(bytes)) {
    std::size_t const before = all.size();
    all.resize(before + part.size() / sizeof(Row));
    std::memcpy(static_cast<void*>(all.data() + before), part.data(), part.size());
  }
  return all;
}

}  // namespace quartic::engine
