#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quartic/core/check.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {

using Token = std::uint32_t;

/// Tokens travel as floats, which hold every integer up to here.
inline constexpr Token largest_token = (1 << 24) - 1;

/// Rows that `count` tokens make, each with the token after it; UsageError where there is none.
std::int64_t rows_of_tokens(std::string const& path, std::int64_t count, std::int64_t sequence);

/// The columns of rows of `sequence` tokens and, for each token of a row, the one after it.
template <class T>
Dataset<T> cut_tokens(std::vector<Token> const& tokens, std::int64_t sequence, Part columns) {
  QUARTIC_ASSERT(columns.first + columns.size <= sequence);
  std::int64_t const rows = (std::ssize(tokens) - 1) / sequence;
  DenseFeatures<T> features{rows, columns.size, {}};
  features.values.reserve(static_cast<std::size_t>(rows * columns.size));
  for (std::int64_t row = 0; row < rows; ++row) {
    auto const begin = tokens.begin() + row * sequence + columns.first;
    features.values.insert(features.values.end(), begin, begin + columns.size);
  }
  auto const second = tokens.begin() + 1;
  return {std::move(features), std::vector<T>(second, second + rows * sequence)};
}

}  // namespace quartic::io
