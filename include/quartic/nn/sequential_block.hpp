#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quartic/core/dataset.hpp"
#include "quartic/nn/block.hpp"
#include "quartic/nn/class_loss.hpp"
#include "quartic/nn/layer.hpp"

namespace quartic::nn {

/// A layer at its place in the whole model.
template <class T>
struct PlacedLayer {
  std::string name;                   ///< as in a PyTorch state dict: "0" gives "0.weight"
  std::uint32_t first_parameter = 0;  ///< number of its first parameter in the whole model
  std::unique_ptr<Layer<T>> layer;
};

/// What a stage of layers is made of.
template <class T>
struct SequentialParts {
  std::vector<PlacedLayer<T>> layers;        ///< at least one
  std::optional<DenseFeatures<T>> features;  ///< at stage 0: what its first layer reads
  std::optional<ClassLoss<T>> loss;          ///< at the last stage
  std::int64_t rows = 0;                     ///< of data used
  std::int64_t accumulate = 1;               ///< M
};

/// A stage made of layers one after the other. `saved` holds each layer's output (but for one that
/// is the stage's message) and what the layer itself saves; at the last stage the logits' place
/// holds their gradient after the forward. `flow` holds the gradients between the layers and what
/// the layers themselves hand to their weight halves.
template <class T>
class SequentialBlock final : public Block<T> {
 public:
  explicit SequentialBlock(SequentialParts<T> parts);

  std::int64_t parameter_count() const override { return parameter_count_; }
  std::vector<Parameter> parameters() const override;
  void initialise(std::span<T> weights, std::uint64_t seed) const override;
  Sizes sizes(std::int64_t rows) const override;

  double forward(Batch batch, std::span<T const> weights, std::span<T const> input,
                 std::span<T> output, std::span<T> saved, Pulse& pulse) override;
  void backward_input(Batch batch, std::span<T const> weights, std::span<T const> input,
                      std::span<T const> saved, std::span<T const> output_gradient,
                      std::span<T> input_gradient, std::span<T> flow, Pulse& pulse) override;
  void backward_weight(Batch batch, std::span<T const> weights, std::span<T const> input,
                       std::span<T const> saved, std::span<T const> output_gradient,
                       std::span<T const> flow, std::span<T> gradient, Pulse& pulse) override;

  /// At most 512 rows and one version at a time, forward only.
  SweepPlan sweep_plan() const override;
  std::int64_t sweep_output(Sweep sweep) const override { return sizes(sweep.rows).output; }
  std::int64_t sweep_input(Sweep sweep) const override { return sizes(sweep.rows).input; }
  void sweep_forward(Sweep sweep, std::span<T const> weights, std::span<T const> input,
                     std::span<T> output, std::span<Score> scores) override;
  void sweep_backward(Sweep sweep, std::span<T const> weights, std::span<T const> output_gradient,
                      std::span<T> input_gradient, std::span<Score> scores) override;

 private:
  struct Piece {
    std::size_t first = 0;
    std::size_t size = 0;
  };
  // Where a layer's share of the stage's buffers lies, for some number of rows.
  struct Places {
    Piece output;          // in saved; unused where the output is the stage's message
    Piece saved;           // in saved
    Piece input_gradient;  // in flow; unused at the first layer
    Piece flow;            // in flow
  };
  // The views that one backward works on.
  struct Backward {
    Batch batch;
    std::span<T const> weights, input, saved, output_gradient, flow;
  };

  template <class U>
  static std::span<U> at(std::span<U> buffer, Piece piece) {
    return buffer.subspan(piece.first, piece.size);
  }
  Layer<T>& layer(std::size_t index) const { return *parts_.layers[index].layer; }
  std::size_t layer_count() const { return parts_.layers.size(); }
  bool sends(std::size_t index) const { return index + 1 == layer_count() && !parts_.loss; }

  template <class Visit>
  Sizes lay_out(std::int64_t rows, Visit visit) const;
  void lay_out_for(std::int64_t rows);
  std::span<T const> stage_input(Batch batch, std::span<T const> input) const;
  std::span<T const> layer_input(std::size_t index, Backward const& pass) const;
  std::span<T const> layer_output_gradient(std::size_t index, Backward const& pass) const;
  std::span<T> forward_layers(Batch batch, std::span<T const> weights, std::span<T const> input,
                              std::span<T> output, std::span<T> saved, Pulse& pulse);

  SequentialParts<T> parts_;
  std::int64_t parameter_count_ = 0;
  std::vector<Piece> weights_;  // of each layer, in the block's
  std::vector<Places> places_;  // for laid_out_rows_
  std::int64_t laid_out_rows_ = -1;
  std::vector<T> sweep_saved_;
};

}  // namespace quartic::nn
