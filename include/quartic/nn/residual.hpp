#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// y = f(x) + g(x), f the branch and g the shortcut; without a shortcut y = f(x) + x. Neither adds
/// to the names of parameters; the branch's come first.
template <class T>
class Residual final : public Layer<T> {
 public:
  explicit Residual(std::unique_ptr<Layer<T>> branch, std::unique_ptr<Layer<T>> shortcut = nullptr);

  std::vector<Parameter> parameters() const override;
  void initialise(std::span<T> weights, std::uint64_t seed,
                  std::uint32_t first_parameter) const override;
  Sizes sizes(std::int64_t rows) const override;
  void forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x, std::span<T> y,
               std::span<T> saved, Pulse& pulse) override;
  void evaluate(std::int64_t rows, std::span<T const> weights, std::span<T const> x, std::span<T> y,
                std::span<T> saved, Pulse& pulse) override;
  void backward_input(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                      std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                      std::span<T> flow, Pulse& pulse) override;
  void backward_weight(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                       std::span<T const> saved, std::span<T const> dy, std::span<T const> flow,
                       std::span<T> dw, Pulse& pulse) override;
  void backward(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                std::span<T const> saved, std::span<T const> dy, std::span<T> dx, std::span<T> flow,
                std::span<T> dw, Pulse& pulse) override;
  double flops(std::int64_t rows) const override;

 private:
  // `whole` as the branch's part, the shortcut's part, and a place for the shortcut's result.
  template <class U>
  struct Parts {
    std::span<U> branch, shortcut, result;
  };
  template <class U>
  Parts<U> split(std::span<U> whole, std::int64_t branch, std::int64_t shortcut) const;

  using Pass = void (Layer<T>::*)(std::int64_t, std::span<T const>, std::span<T const>,
                                  std::span<T>, std::span<T>, Pulse&);
  void add_up(Pass pass, std::int64_t rows, std::span<T const> weights, std::span<T const> x,
              std::span<T> y, std::span<T> saved, Pulse& pulse);

  std::unique_ptr<Layer<T>> branch_;
  std::unique_ptr<Layer<T>> shortcut_;
  std::size_t branch_weights_;
};

}  // namespace quartic::nn
