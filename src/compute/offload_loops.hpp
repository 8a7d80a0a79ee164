#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "offload_workspace.hpp"

/// The shapes of a kernel on the device. A body is a lambda that captures by value: device pointers
/// and numbers, nothing that the host owns.
///
/// Every sum has a shape that depends on lengths alone, and no atomics: the same bits every run.
namespace quartic::compute {

/// Carries a lambda to the device as plain bytes. By itself a lambda in a target region has its
/// pointers mapped, and those to device memory would arrive as null (g++ 12, OpenMP 5.0).
template <class Body>
struct Closure {
  Body body;
  void operator()(std::int64_t i) const { body(i); }
};

/// body(i) for every i of [0, count); neighbours in i are neighbours in a warp. Without `simd` only
/// one lane of a warp would work.
template <class Body>
void for_each(std::int64_t count, Body const& body) {
  Closure<Body> const closure{body};
#pragma omp target teams distribute parallel for simd firstprivate(closure)
  for (std::int64_t i = 0; i < count; ++i) closure(i);
}

/// body(row) for every row of [0, count), each by a whole warp: what the body does by itself is
/// done once, and the row_… loops below share their elements among the lanes.
template <class Body>
void for_each_row(std::int64_t count, Body const& body) {
  Closure<Body> const closure{body};
#pragma omp target teams distribute parallel for firstprivate(closure)
  for (std::int64_t i = 0; i < count; ++i) closure(i);
}

template <class Body>
inline void row_each(std::int64_t width, Body const& body) {
#pragma omp simd
  for (std::int64_t i = 0; i < width; ++i) body(i);
}

/// Σ term(i).
template <class T, class Term>
inline T row_sum(std::int64_t width, Term const& term) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < width; ++i) sum += term(i);
  return sum;
}

/// The largest term(i), of at least one; NaN are passed over.
template <class T, class Term>
inline T row_largest(std::int64_t width, Term const& term) {
  T largest = term(0);
#pragma omp simd reduction(max : largest)
  for (std::int64_t i = 0; i < width; ++i) largest = term(i) > largest ? term(i) : largest;
  return largest;
}

/// The first i whose term(i) is true; width where there is none.
template <class Term>
inline std::int64_t row_first(std::int64_t width, Term const& term) {
  std::int64_t first = width;
#pragma omp simd reduction(min : first)
  for (std::int64_t i = 0; i < width; ++i) {
    std::int64_t const candidate = term(i) ? i : width;
    first = candidate < first ? candidate : first;
  }
  return first;
}

/// Σ term(i) over [0, count), back on the host; Sum has += and starts as Sum{}. Term i belongs to
/// lane i mod 65536, the lanes to 256 groups, and the host adds those in order.
template <class Sum, class Term>
Sum sum_over(std::int64_t count, Term const& term) {
  constexpr std::int64_t most_lanes = 65536;
  constexpr std::int64_t most_groups = 256;
  std::int64_t const lanes = std::min(count, most_lanes);
  std::int64_t const groups = std::min(lanes, most_groups);
  auto* const of_lane = workspace<Sum>(Workspace::lanes, most_lanes);
  auto* const of_group = workspace<Sum>(Workspace::groups, most_groups);
  for_each(lanes, [=](std::int64_t lane) {
    Sum sum{};
    for (std::int64_t i = lane; i < count; i += lanes) sum += term(i);
    of_lane[lane] = sum;
  });
  for_each(groups, [=](std::int64_t group) {
    Sum sum{};
    for (std::int64_t lane = group; lane < lanes; lane += groups) sum += of_lane[lane];
    of_group[group] = sum;
  });
  Sum sum{};
  for (Sum const& part : read_back<Sum>(of_group, groups)) sum += part;
  return sum;
}

/// target(column) += Σ_row term(row, column), rows ascending; in blocks of rows where they are
/// many.
template <class T, class Term>
void add_over_rows(std::int64_t rows, std::int64_t columns, T* target, Term const& term) {
  constexpr std::int64_t block = 64;
  std::int64_t const blocks = (rows + block - 1) / block;
  auto* const part = workspace<T>(Workspace::rows, blocks * columns);
  for_each(blocks * columns, [=](std::int64_t i) {
    std::int64_t const first = i / columns * block;
    std::int64_t const column = i % columns;
    T sum = first == 0 ? target[column] : T(0);
    for (std::int64_t row = first; row < first + block && row < rows; ++row)
      sum += term(row, column);
    part[i] = sum;
  });
  for_each(blocks == 0 ? 0 : columns, [=](std::int64_t column) {
    T sum = part[column];
    for (std::int64_t i = 1; i < blocks; ++i) sum += part[i * columns + column];
    target[column] = sum;
  });
}

}  // namespace quartic::compute
