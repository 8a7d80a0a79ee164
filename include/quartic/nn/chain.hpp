#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// A layer with its name in a PyTorch state dict: "0" gives "0.weight"; an empty name adds nothing.
template <class T>
struct NamedLayer {
  std::string name;
  std::unique_ptr<Layer<T>> layer;
};

/// At least one layer, one after the other, as one. `saved` holds the output of each layer but the
/// last, and what the layers save; `flow` the gradients between the layers, and what they hand to
/// their weight halves. Beats the pulse after every layer.
template <class T>
class Chain final : public Layer<T> {
 public:
  explicit Chain(std::vector<NamedLayer<T>> layers);

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
  struct Piece {
    std::size_t first = 0;
    std::size_t size = 0;
  };
  // Where a layer's share of the buffers lies, for some number of rows.
  struct Places {
    Piece output;          // in saved; unused at the last layer
    Piece saved;           // in saved
    Piece input_gradient;  // in flow; unused at the first layer
    Piece flow;            // in flow
  };

  template <class U>
  static std::span<U> at(std::span<U> buffer, Piece piece) {
    return buffer.subspan(piece.first, piece.size);
  }
  Layer<T>& layer(std::size_t index) const { return *layers_[index].layer; }
  bool is_last(std::size_t index) const { return index + 1 == layers_.size(); }
  template <class Visit>
  Sizes lay_out(std::int64_t rows, Visit visit) const;
  void lay_out_for(std::int64_t rows);
  template <class Step>
  void walk(std::int64_t rows, std::span<T const> x, std::span<T> y, std::span<T> saved,
            Pulse& pulse, Step step);
  std::span<T const> input_of(std::size_t index, std::span<T const> x,
                              std::span<T const> saved) const;

  std::vector<NamedLayer<T>> layers_;
  std::vector<Piece> weights_;  // of each layer, in the chain's
  std::vector<Places> places_;  // for laid_out_rows_
  std::int64_t laid_out_rows_ = -1;
};

}  // namespace quartic::nn
