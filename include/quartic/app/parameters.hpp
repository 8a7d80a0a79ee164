#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "quartic/comm/communicator.hpp"
#include "quartic/nn/block.hpp"

namespace quartic::app {

/// The parameters of each stage that this rank hosts, by place.
using HostedParameters = std::vector<std::vector<nn::Parameter>>;

/// The name of the file in a run folder, and under which it is written.
inline constexpr char const* parameters_file = "parameters.h5";
inline constexpr char const* unfinished_parameters_file = "parameters.h5.part";

/// What --init gives a rank.
template <class T>
struct StartWeights {
  std::vector<std::vector<T>> blocks;  ///< by place
  std::string checksum;                ///< of the file, the same on every rank
};

/// Collective. The start weights of this rank's stages from a file of named parameters. UsageError
/// on every rank where the file has other names or shapes than the model of all ranks together.
template <class T>
StartWeights<T> read_parameters(comm::Communicator& communicator, std::string const& file,
                                HostedParameters const& hosted);

/// What a file of parameters says of its run.
struct ParametersOf {
  std::string method;
  std::int64_t microbatches = 0;
  std::string config_hash;
};

/// Collective. Writes the weights of all ranks to the folder's file of named parameters, in turns:
/// aside, and under its name once it is whole. `blocks` has the weights by place, as many as this
/// rank has to write.
template <class T>
void write_parameters(comm::Communicator& communicator, std::filesystem::path const& folder,
                      ParametersOf const& run, HostedParameters const& hosted,
                      std::vector<std::span<T const>> const& blocks);

}  // namespace quartic::app
