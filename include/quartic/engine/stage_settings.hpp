#pragma once

#include <cstdint>

#include "quartic/nn/learning_rate.hpp"
#include "quartic/nn/optimizer.hpp"

namespace quartic::engine {

/// What every stage of a run shares.
struct StageSettings {
  int stages = 1;
  std::int64_t microbatches = 1;
  std::int64_t microbatch_size = 1;
  std::int64_t microbatches_an_epoch = 1;  ///< data is read in order, cyclically
  double gradient_scale = 1;               ///< 1/M, already in the gradients; scales the noise
  double gradient_noise = 0;
  nn::LearningRate learning_rate;
  std::uint64_t seed = 0;
  int pipelines = 1;
  std::int64_t displacement_every = 0;  ///< 0: never
  std::int64_t stale_read_every = 0;    ///< likewise; of the first pipeline
  bool events = false;
  nn::OptimizerSpec optimizer = {};
};

}  // namespace quartic::engine
