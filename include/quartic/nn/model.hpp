#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "quartic/core/dataset.hpp"
#include "quartic/core/partition.hpp"
#include "quartic/nn/augmentation.hpp"
#include "quartic/nn/block.hpp"

namespace quartic::nn {

enum class Activation { relu, tanh, gelu };

/// Sizes of a gpt.
struct GptSize {
  std::int64_t layers = 0;
  std::int64_t width = 0;
  std::int64_t heads = 0;
  std::int64_t sequence = 0;
};

/// Everything that decides the model's arithmetic, besides its data.
struct ModelSpec {
  std::string objective = "quadratic";  ///< quadratic, logistic, mlp, gpt, conv
  int stages = 1;
  std::int64_t rows = 0;            ///< rows of data trained on, from row 0
  std::int64_t evaluated_rows = 0;  ///< of those, networks: 0 for all
  std::int64_t held_out_first = 0;  ///< rows of data for validation
  std::int64_t held_out_rows = 0;
  std::int64_t features = 0;
  std::int64_t classes = 0;          ///< networks
  std::int64_t labels_a_row = 1;     ///< networks: targets of one row of data
  std::vector<std::int64_t> hidden;  ///< mlp: widths of the hidden layers
  Activation activation = Activation::relu;
  GptSize gpt;
  std::string model = "vgg16";  ///< conv: one of image_model_names()
  double width_factor = 1;      ///< conv: multiplies the channels
  std::int64_t depth = 0;       ///< conv: most convolutions or blocks of a section; 0: all
  double l2 = 0;                ///< logistic: λ of (λ/2)‖w‖²
  std::int64_t microbatch_size = 1;
  std::int64_t accumulate = 1;  ///< M: the loss is scaled by 1/M, once
  bool shuffle = false;         ///< networks: a new order of the rows every epoch
  ImageShape image{};           ///< of a row; zeros where rows are no images
  Augment augment = Augment::none;
  std::uint64_t seed = 0;  ///< of what is drawn while training
};

/// UsageError when the model cannot be cut into spec.stages stages: says how many it has at most.
void check_cut(ModelSpec const& spec);

/// The columns of the features that stage `stage` reads (empty where it reads none). With all
/// stages of a rank: the smallest range that holds them.
Part columns_of_stage(ModelSpec const& spec, int stage);

/// The block of one stage. `data` holds the columns [loaded.first, loaded.first + loaded.size) of
/// the features and all targets.
template <class T>
std::unique_ptr<Block<T>> make_block(ModelSpec const& spec, int stage, Dataset<T> const& data,
                                     Part loaded);

}  // namespace quartic::nn
