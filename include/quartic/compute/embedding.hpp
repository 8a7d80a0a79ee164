#pragma once

#include <cstdint>
#include <span>

/// Tables of vectors, looked up by token and by position. T is float or double; token ids come as
/// whole numbers in T.
namespace quartic::compute {

/// y(r, t) = tokens(id(r, t)) + positions(t), with id [rows, sequence], tokens [vocabulary, width],
/// positions [at least sequence, width], y [rows, sequence, width].
template <class T>
void embedding_forward(std::int64_t sequence, std::int64_t width, std::span<T const> id,
                       std::span<T const> tokens, std::span<T const> positions, std::span<T> y);

/// dtokens(id(r, t)) += dy(r, t) and dpositions(t) += dy(r, t), in the order of (r, t).
template <class T>
void embedding_backward(std::int64_t sequence, std::int64_t width, std::span<T const> id,
                        std::span<T const> dy, std::span<T> dtokens, std::span<T> dpositions);

}  // namespace quartic::compute
