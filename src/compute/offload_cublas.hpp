#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "quartic/compute/matrix.hpp"

namespace quartic::compute {

/// The vendor's dense products on the device, where its library can be opened.
class Cublas {
 public:
  /// Null where neither libcublas.so.13 nor .12 is there. The primary context must be current.
  /// Failure when the library is there and refuses to start.
  static std::unique_ptr<Cublas> open(bool tf32);

  /// c = alpha a b + beta c, of sides that are not 0; a, b and c lie on the device. It is queued:
  /// what follows on the device sees its result.
  template <class T>
  void gemm(T alpha, ConstMatrix<T> a, ConstMatrix<T> b, T beta, Matrix<T> c) const;

  std::string const& description() const { return description_; }

 private:
  struct Functions;
  Cublas() = default;

  void* handle_ = nullptr;
  std::shared_ptr<Functions const> functions_;
  std::string description_;
};

}  // namespace quartic::compute
