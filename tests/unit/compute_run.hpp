#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <type_traits>

#include "quartic/compute/buffer.hpp"
#include "quartic/compute/matrix.hpp"
#include "quartic/compute/sparse.hpp"

/// Calls kernels, and what is made of them, with the host's numbers: on whatever the process
/// computes on, the tests are the same.
namespace quartic::samples {

/// The operands of one call, where the process computes; those that may be written come back when
/// this goes. Operands that are one memory on the host are one memory there, and lie as far from a
/// multiple of 64 bytes.
class Operands {
 public:
  /// What is no operand stays as it is: scalars, and what the host alone sees.
  template <class Other>
  Other& operator()(Other& other) {
    return other;
  }
  template <class T>
  requires std::is_arithmetic_v<T> std::span<T>
  operator()(std::span<T> values) {
    return values.empty() ? values
                          : std::span(lent(values.data(), std::ssize(values)), values.size());
  }
  template <class T>
  compute::Matrix<T> operator()(compute::Matrix<T> matrix) {
    return at(matrix);
  }
  template <class T>
  compute::ConstMatrix<T> operator()(compute::ConstMatrix<T> matrix) {
    return at(matrix);
  }
  template <class T>
  compute::CompressedRows<T> operator()(compute::CompressedRows<T> a) {
    std::int64_t const entries = a.row_begin[a.rows];
    a.row_begin = lent(a.row_begin, a.rows + 1);
    a.column = lent(a.column, entries);
    a.values = lent(a.values, entries);
    return a;
  }

  Operands() = default;
  Operands(Operands const&) = delete;
  ~Operands() {
    for (Lent const& one : lent_) {
      if (one.may_change) compute::to_host(one.there(), one.here);
    }
  }

 private:
  struct Lent {
    std::span<std::byte> here;
    std::size_t offset;
    compute::Buffer<std::byte> buffer;
    bool may_change = false;
    std::span<std::byte const> there() const { return buffer.view().subspan(offset); }
  };

  template <class M>
  M at(M matrix) {
    if (matrix.rows * matrix.columns == 0) return matrix;
    matrix.values = lent(matrix.values, (matrix.rows - 1) * matrix.stride + matrix.columns);
    return matrix;
  }

  template <class T>
  T* lent(T* first, std::int64_t count) {
    using Element = std::remove_const_t<T>;
    std::span const here(const_cast<Element*>(first), static_cast<std::size_t>(count));
    Lent& one = find(std::as_writable_bytes(here));
    one.may_change |= !std::is_const_v<T>;
    return reinterpret_cast<T*>(one.buffer.view().data() + one.offset);
  }

  Lent& find(std::span<std::byte> here) {
    for (Lent& one : lent_) {
      if (one.here.data() == here.data() && one.here.size() == here.size()) return one;
    }
    constexpr std::size_t alignment = 64;
    std::size_t const offset = reinterpret_cast<std::uintptr_t>(here.data()) % alignment;
    auto const bytes = static_cast<std::int64_t>(offset + here.size());
    Lent& one = lent_.emplace_back(Lent{here, offset, compute::Buffer<std::byte>(bytes)});
    compute::to_device(std::span<std::byte const>(here), one.buffer.view().subspan(offset));
    return one;
  }

  std::list<Lent> lent_;
};

/// kernel(arguments…), with spans and matrices of the host's memory.
template <class Result, class... Parameters>
Result run(Result (*kernel)(Parameters...), std::type_identity_t<Parameters>... arguments) {
  Operands on;
  return kernel(on(arguments)...);
}

/// object.member(arguments…): a layer, a block, an optimizer.
template <class Object, class Class, class Result, class... Parameters>
Result run(Object& object, Result (Class::*member)(Parameters...),
           std::type_identity_t<Parameters>... arguments) {
  Operands on;
  return (object.*member)(on(arguments)...);
}

}  // namespace quartic::samples
