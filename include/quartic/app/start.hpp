#pragma once

#include <string>
#include <vector>

#include "quartic/app/parameters.hpp"
#include "quartic/comm/communicator.hpp"
#include "quartic/engine/stage_weights.hpp"

namespace quartic::app {

/// What --init gives a rank.
template <class T>
struct Start {
  std::vector<std::vector<T>> weights;                ///< by place
  std::vector<engine::OptimizerState<T>> optimizers;  ///< by place; empty where none is taken
  std::string checksum;                               ///< of the weights' file
  std::string optimizer_checksum;                     ///< empty where no state is taken
  std::string line = {};                              ///< what was taken from a run folder
  bool lacks_state = false;  ///< `line` says why this run's optimizer begins without
};

/// Collective. Reads `init`: a file of named parameters, which gives the weights alone, or the
/// folder of a run that --save-parameters was given to, which also gives the optimizer's state if
/// its optimizer has the name `optimizer`; its hyperparameters may be others. UsageError on every
/// rank where a file is damaged or has other names or shapes than the model of all ranks together.
template <class T>
Start<T> read_start(comm::Communicator& communicator, std::string const& init,
                    std::string const& optimizer, HostedParameters const& hosted);

}  // namespace quartic::app
