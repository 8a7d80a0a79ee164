#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quartic::nn {

/// What a parameter's numbers follow: the gradient of the loss, or what training passes measure, as
/// the running mean of a batch normalisation does. Statistics are versioned, stashed, averaged and
/// sent as weights are; the "gradient" of one is the mean over the minibatch of what was measured.
enum class Role { trained, statistic };

/// A named parameter inside a stage's block of weights; names and shapes as in a PyTorch state dict
/// (a Linear's weight is [out, in], row-major).
struct Parameter {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t offset = 0;  ///< elements from the start of the block
  Role role = Role::trained;
  /// Of a vector that the cut divides: where this stage's slice of it begins, and its whole length;
  /// `shape` is the slice's. 0: the stage has all of the parameter.
  std::int64_t first = 0;
  std::int64_t whole = 0;
};

/// The rows of data that a training pass works on: those at the places [first_row, first_row +
/// rows) of the epoch's order, which is that of the data where nothing is shuffled. `rows` may not
/// wrap around the end of the epoch.
struct Batch {
  std::int64_t microbatch = 0;
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  std::int64_t epoch = 0;
};

/// Lengths, in elements, of the buffers of one pass over `rows` rows.
struct Sizes {
  std::int64_t input = 0;   ///< activation message from the stage before (0 at stage 0)
  std::int64_t output = 0;  ///< activation message to the next stage (0 at the last)
  std::int64_t saved = 0;   ///< what the forward leaves for the backward, besides its input
  std::int64_t flow = 0;    ///< what the input half of the backward leaves for the weight half
};

/// One evaluation sweep: `versions` versions of the weights at once over some rows, always in the
/// order of the data.
struct Sweep {
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  std::int64_t versions = 1;
  bool held_out = false;  ///< rows that are not trained on
};

/// How an objective wants to be evaluated; the same on every stage.
struct SweepPlan {
  std::int64_t rows = 0;            ///< rows that are trained on, from row 0
  std::int64_t held_out_first = 0;  ///< held-out rows of the data, for the loss alone
  std::int64_t held_out_rows = 0;
  std::int64_t rows_per_sweep = 0;
  std::int64_t versions_per_sweep = 1;
  bool backward = false;  ///< a backward sweep follows, for the gradient of the whole objective
};

/// What a sweep adds up for one version, over rows and stages.
struct Score {
  double value = 0;        ///< share of the mean objective
  double correct = 0;      ///< rows classified rightly (NaN where that has no meaning)
  double gradient_sq = 0;  ///< squared norm of this stage's block of the whole gradient
};

/// Called between layers, so that messages in flight make progress (MPI has no progress thread).
class Pulse {
 public:
  virtual ~Pulse() = default;
  virtual void beat() = 0;
};

/// One stage's share of a model: pure arithmetic on views. It owns neither weights nor activations:
/// a version of the weights is one contiguous block, and so is what a microbatch saves. The data
/// that its stage needs (features at the stages that read them, targets at the last) it holds
/// itself. No call allocates after the first of its size. T is float or double.
///
/// A training pass of microbatch j at stage s:
///   forward(batch, weights of F(s,j), input, output, saved) -> loss at the last stage
///   backward_input(batch, weights of B(s,j), input, saved, output_gradient, input_gradient, flow)
///   backward_weight(batch, weights of B(s,j), input, saved, output_gradient, flow, gradient)
/// At the last stage `output` and `output_gradient` are empty: the loss starts the backward. At
/// stage 0 `input` is empty, and `input_gradient` wherever the backward stops. The two halves of
/// the backward read the data that the forward read, however many forwards came in between.
template <class T>
class Block {
 public:
  virtual ~Block() = default;

  virtual std::int64_t parameter_count() const = 0;
  virtual std::vector<Parameter> parameters() const = 0;
  /// Start weights, in the host's memory, from streams named by the parameter's number in the whole
  /// model: they depend on neither the cut nor the layout of ranks.
  virtual void initialise(std::span<T> weights, std::uint64_t seed) const = 0;

  virtual Sizes sizes(std::int64_t rows) const = 0;

  /// Returns the mean loss over the batch's rows at the last stage, 0 elsewhere.
  virtual double forward(Batch batch, std::span<T const> weights, std::span<T const> input,
                         std::span<T> output, std::span<T> saved, Pulse& pulse) = 0;
  virtual void backward_input(Batch batch, std::span<T const> weights, std::span<T const> input,
                              std::span<T const> saved, std::span<T const> output_gradient,
                              std::span<T> input_gradient, std::span<T> flow, Pulse& pulse) = 0;
  /// Adds to `gradient`. Everything that starts from the loss carries the factor 1/M (methods.md
  /// §1, order of summation): `gradient` is this microbatch's share of the minibatch's mean
  /// gradient.
  virtual void backward_weight(Batch batch, std::span<T const> weights, std::span<T const> input,
                               std::span<T const> saved, std::span<T const> output_gradient,
                               std::span<T const> flow, std::span<T> gradient, Pulse& pulse) = 0;

  /// Both halves, where no stage waits for the input gradient: so without one, and the same to the
  /// last bit.
  virtual void backward(Batch batch, std::span<T const> weights, std::span<T const> input,
                        std::span<T const> saved, std::span<T const> output_gradient,
                        std::span<T> flow, std::span<T> gradient, Pulse& pulse) {
    backward_input(batch, weights, input, saved, output_gradient, {}, flow, pulse);
    backward_weight(batch, weights, input, saved, output_gradient, flow, gradient, pulse);
  }

  virtual SweepPlan sweep_plan() const = 0;
  /// Elements of the message between stages in a forward sweep, and in the backward sweep.
  virtual std::int64_t sweep_output(Sweep sweep) const = 0;
  virtual std::int64_t sweep_input(Sweep sweep) const = 0;
  /// `weights` holds sweep.versions blocks one after the other; `scores` one entry a version, to
  /// which this stage's share is added.
  virtual void sweep_forward(Sweep sweep, std::span<T const> weights, std::span<T const> input,
                             std::span<T> output, std::span<Score> scores) = 0;
  /// Only where sweep_plan().backward: at the last stage `output_gradient` is empty and what
  /// sweep_forward left is used; `input_gradient` has the length of sweep_input.
  virtual void sweep_backward(Sweep sweep, std::span<T const> weights,
                              std::span<T const> output_gradient, std::span<T> input_gradient,
                              std::span<Score> scores) = 0;
};

}  // namespace quartic::nn
