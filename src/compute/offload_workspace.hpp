#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "quartic/compute/buffer.hpp"

namespace quartic::compute {

/// Scratch of the kernels themselves, on the device. Each purpose has a block of its own, that
/// grows when it has to: after the first steps of a run nothing is allocated.
enum class Workspace { lanes, groups, rows, places, count };

/// At least `bytes` of the purpose's block; they hold anything.
void* workspace_bytes(Workspace purpose, std::int64_t bytes);

template <class T>
T* workspace(Workspace purpose, std::int64_t size) {
  return static_cast<T*>(workspace_bytes(purpose, size * static_cast<std::int64_t>(sizeof(T))));
}

/// Up to 256 elements of the device, on the host until the next call.
template <class T>
std::span<T const> read_back(T const* from, std::int64_t size) {
  static std::array<T, 256> values;
  auto const to = std::span(values).first(static_cast<std::size_t>(size));
  to_host(std::span(from, to.size()), to);
  return to;
}

}  // namespace quartic::compute
