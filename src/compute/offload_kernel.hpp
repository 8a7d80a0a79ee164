#pragma once

#include <span>
#include <type_traits>

#include "offload_device.hpp"
#include "offload_memory.hpp"
#include "quartic/compute/matrix.hpp"
#include "quartic/compute/sparse.hpp"
#include "quartic/core/check.hpp"

namespace quartic::compute {

template <class T>
void require_on_device(T const* first, std::int64_t count) {
  if (!is_device_memory(first, count * static_cast<std::int64_t>(sizeof(T)))) {
    failure("a device kernel was given host memory");
  }
}
template <class T>
void require_on_device(std::span<T> operand) {
  require_on_device(operand.data(), std::ssize(operand));
}
template <class M>
requires requires(M matrix) {
  matrix.stride;
}
void require_on_device(M const& matrix) {
  if (matrix.rows * matrix.columns == 0) return;
  require_on_device(matrix.values, (matrix.rows - 1) * matrix.stride + matrix.columns);
}
template <class T>
void require_on_device(CompressedRows<T> const& a) {
  require_on_device(a.row_begin, a.rows + 1);
  if (a.column == nullptr) return;  // no entry in any row
  require_on_device(a.column, 1);
  require_on_device(a.values, 1);
}

/// Stands at the head of every kernel of the device: what it is given must be the device's memory.
/// That is known, and memory open for the kernel alone, only where the host stands in for a device.
class Kernel {
 public:
  template <class... Operands>
  explicit Kernel(Operands const&... operands) {
    (require_on_device(operands), ...);
  }

 private:
  OpenMemory open_;
};

}  // namespace quartic::compute
