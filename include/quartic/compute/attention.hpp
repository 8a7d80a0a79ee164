#pragma once

#include <cstdint>
#include <span>

#include "quartic/compute/matrix.hpp"

/// The softmax of causal attention: a token sees itself and what comes before it. A block of it is
/// [queries, keys]: queries `first_query`, first_query + 1, …, and all keys from 0 to its last
/// query at least. T is float or double.
namespace quartic::compute {

/// In place: row of query q becomes softmax(scale · row) over the keys 0…q, and 0 beyond.
template <class T>
void causal_softmax(std::int64_t first_query, T scale, Matrix<T> scores);

/// In place, from the gradient of the probabilities p to that of the scores:
/// ds = scale · p (dp - Σ_keys p dp) over the keys 0…q, and 0 beyond.
template <class T>
void causal_softmax_backward(std::int64_t first_query, T scale, ConstMatrix<T> probabilities,
                             Matrix<T> gradient);

}  // namespace quartic::compute
