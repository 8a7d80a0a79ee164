#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "quartic/comm/communicator.hpp"
#include "quartic/engine/stage_weights.hpp"
#include "quartic/nn/block.hpp"

namespace quartic::app {

/// The parameters of each stage that this rank hosts, by place.
using HostedParameters = std::vector<std::vector<nn::Parameter>>;

/// The names of the files in a run folder, and under which they are written.
inline constexpr char const* parameters_file = "parameters.h5";
inline constexpr char const* unfinished_parameters_file = "parameters.h5.part";
inline constexpr char const* optimizer_file = "optimizer.h5";
inline constexpr char const* unfinished_optimizer_file = "optimizer.h5.part";

/// The arrays in the state of each stage's optimizer, named as PyTorch names them
/// ("exp_avg.0.weight") and placed as Optimizer::state() has them. Statistics have no state.
HostedParameters arrays_of_state(HostedParameters const& hosted, std::string const& optimizer);

/// What a file of named parameters gives a rank.
template <class T>
struct ReadWeights {
  std::vector<std::vector<T>> blocks;  ///< by place
  std::string checksum;                ///< of the file, the same on every rank
};

/// Collective. The weights of this rank's stages from a file of named parameters. UsageError on
/// every rank where the file has other names or shapes than the model of all ranks together.
template <class T>
ReadWeights<T> read_parameters(comm::Communicator& communicator, std::string const& file,
                               HostedParameters const& hosted);

/// What a file of an optimizer's state gives a rank.
template <class T>
struct ReadOptimizers {
  std::vector<engine::OptimizerState<T>> states;  ///< by place; of their arrays the fewest steps
  std::string checksum;                           ///< as above
  std::int64_t fewest_steps = 0;                  ///< of all arrays in the file
  std::int64_t most_steps = 0;
};

/// Collective. The same of a file that --save-parameters has left of `optimizer`, which has state.
template <class T>
ReadOptimizers<T> read_optimizers(comm::Communicator& communicator, std::string const& file,
                                  std::string const& optimizer, HostedParameters const& hosted);

/// What the files say of their run.
struct ParametersOf {
  std::string method;
  std::int64_t microbatches = 0;
  std::string config_hash;
  std::string optimizer;  ///< its name
};

/// What a run has trained, by place; as many places as this rank has to write.
template <class T>
struct TrainedModel {
  std::vector<std::span<T const>> weights;
  std::vector<engine::OptimizerState<T>> optimizers;  ///< empty where they have no state
};

/// Collective. Leaves the weights of all ranks in the folder's file of named parameters, and the
/// state of an optimizer that has any in a file beside it: both are written aside, in turns, and
/// named once they are whole, so that whenever the run is killed the two there belong together.
template <class T>
void write_parameters(comm::Communicator& communicator, std::filesystem::path const& folder,
                      ParametersOf const& run, HostedParameters const& hosted,
                      TrainedModel<T> const& model);

}  // namespace quartic::app
