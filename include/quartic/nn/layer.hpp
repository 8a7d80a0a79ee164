#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quartic/core/partition.hpp"
#include "quartic/nn/block.hpp"

namespace quartic::nn {

/// One layer: y = f(x; w) and the two halves of its derivative, pure arithmetic on views. It owns
/// neither weights nor activations. The backward's weights are an argument of their own: a method
/// may give other weights than the forward had. No call allocates after the first of its size; none
/// overlaps its outputs with its inputs. T is float or double.
///
/// For one pass, in this order: forward(rows, w, x, y, saved), backward_input(rows, w, x, saved,
/// dy, dx, flow), backward_weight(rows, w, x, saved, dy, flow, dw). All buffers are read and
/// written whole; their lengths are those of sizes(rows). What takes long beats the pulse now and
/// then.
template <class T>
class Layer {
 public:
  virtual ~Layer() = default;

  /// The parameters in order, offsets from the start of the layer's own weights, names without the
  /// layer's: "weight", "bias".
  virtual std::vector<Parameter> parameters() const { return {}; }
  /// Start weights, drawn into the host's memory; `first_parameter` is the number that
  /// parameters()[0] has in the whole model.
  virtual void initialise(std::span<T> /*weights*/, std::uint64_t /*seed*/,
                          std::uint32_t /*first_parameter*/) const {}

  /// input, output: lengths of x and y. saved: what the forward leaves for the backward besides x;
  /// flow: what backward_input leaves for backward_weight besides dy.
  virtual Sizes sizes(std::int64_t rows) const = 0;

  virtual void forward(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                       std::span<T> y, std::span<T> saved, Pulse& pulse) = 0;
  /// The forward of a finished model, where that is another function: with statistics of the whole
  /// training instead of the batch's. Leaves nothing for a backward.
  virtual void evaluate(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                        std::span<T> y, std::span<T> saved, Pulse& pulse) {
    forward(rows, weights, x, y, saved, pulse);
  }
  /// `dx` is empty where nobody needs it: before the first layer there is only data.
  virtual void backward_input(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                              std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                              std::span<T> flow, Pulse& pulse) = 0;
  /// Adds to `dw`, one pass after the other in the order of the microbatches.
  virtual void backward_weight(std::int64_t /*rows*/, std::span<T const> /*weights*/,
                               std::span<T const> /*x*/, std::span<T const> /*saved*/,
                               std::span<T const> /*dy*/, std::span<T const> /*flow*/,
                               std::span<T> /*dw*/, Pulse& /*pulse*/) {}

  /// Both halves. Layers made of layers go through them once, so that what the one half has read
  /// and written is still near for the other; the result is the same to the last bit.
  virtual void backward(std::int64_t rows, std::span<T const> weights, std::span<T const> x,
                        std::span<T const> saved, std::span<T const> dy, std::span<T> dx,
                        std::span<T> flow, std::span<T> dw, Pulse& pulse) {
    backward_input(rows, weights, x, saved, dy, dx, flow, pulse);
    backward_weight(rows, weights, x, saved, dy, flow, dw, pulse);
  }

  /// Floating-point operations of a forward; each half of the backward takes about as many.
  virtual double flops(std::int64_t rows) const = 0;
};

/// Number of elements of a parameter.
std::int64_t element_count(Parameter const& parameter);

/// Where the parameters that are trained lie in a block: everything but its statistics, as few
/// parts as can be.
std::vector<Part> trained_parts(std::span<Parameter const> parameters);

/// Elements of all of a layer's parameters together.
template <class T>
std::int64_t parameter_count(Layer<T> const& layer) {
  std::int64_t sum = 0;
  for (Parameter const& parameter : layer.parameters()) sum += element_count(parameter);
  return sum;
}

}  // namespace quartic::nn
