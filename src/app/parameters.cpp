#include "quartic/app/parameters.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <sstream>
#include <utility>

#include "quartic/core/check.hpp"
#include "quartic/io/disk.hpp"
#include "quartic/io/parameters.hpp"
#include "quartic/nn/layer.hpp"
#include "quartic/nn/optimizer.hpp"

namespace quartic::app {
namespace {

namespace fs = std::filesystem;

io::ParameterSlice slice_of(nn::Parameter const& parameter) {
  io::Shape const shape = parameter.whole == 0 ? parameter.shape : io::Shape{parameter.whole};
  return {parameter.name, shape, parameter.first, nn::element_count(parameter)};
}

/// The numbers of one parameter in its stage's block.
template <class U>
std::span<U> part_of(nn::Parameter const& parameter, std::span<U> block) {
  return block.subspan(static_cast<std::size_t>(parameter.offset),
                       static_cast<std::size_t>(nn::element_count(parameter)));
}

/// One line a parameter: its name, the number of its dimensions, their lengths.
std::string text_of(HostedParameters const& hosted) {
  std::string text;
  for (auto const& parameters : hosted) {
    for (nn::Parameter const& parameter : parameters) {
      io::Shape const shape = slice_of(parameter).shape;
      text += fmt::format("{} {} {}\n", parameter.name, shape.size(), fmt::join(shape, " "));
    }
  }
  return text;
}

/// The shapes of the whole model. Slices of a vector and stages of other pipelines repeat shapes.
io::ParameterShapes shapes_of(std::vector<std::string> const& texts) {
  io::ParameterShapes shapes;
  for (std::string const& text : texts) {
    std::istringstream words(text);
    std::string name;
    std::size_t dimensions = 0;
    while (words >> name >> dimensions) {
      io::Shape shape(dimensions);
      for (std::int64_t& length : shape) words >> length;
      shapes[name] = std::move(shape);
    }
  }
  return shapes;
}

std::int64_t size_of(std::vector<nn::Parameter> const& parameters) {
  std::int64_t size = 0;
  for (nn::Parameter const& parameter : parameters) size += nn::element_count(parameter);
  return size;
}

/// `size`: of the block, of which elements that no parameter has are 0.
template <class T>
std::vector<T> read_block(io::ParameterReader const& file,
                          std::vector<nn::Parameter> const& parameters, std::int64_t size) {
  std::vector<T> block(static_cast<std::size_t>(size));
  for (nn::Parameter const& parameter : parameters) {
    file.read(slice_of(parameter), part_of(parameter, std::span<T>(block)));
  }
  return block;
}

/// Returns the smallest of the step counts, which differ where different stages have updated the
/// arrays: with a count that is too small Adam's bias correction takes smaller steps.
std::int64_t fewest_steps(std::map<std::string, std::int64_t> const& steps,
                          std::vector<nn::Parameter> const& arrays) {
  std::int64_t fewest = arrays.empty() ? 0 : steps.at(arrays.front().name);
  for (nn::Parameter const& array : arrays) fewest = std::min(fewest, steps.at(array.name));
  return fewest;
}

template <class T>
void read_states(io::ParameterReader const& reader, HostedParameters const& hosted,
                 HostedParameters const& arrays, std::int64_t blocks, ReadOptimizers<T>& read) {
  auto const steps = reader.counts("steps");
  for (std::size_t place = 0; place < hosted.size(); ++place) {
    std::int64_t const size = blocks * size_of(hosted[place]);
    read.states.push_back(
        {read_block<T>(reader, arrays[place], size), fewest_steps(steps, arrays[place])});
  }
  auto const [fewest, most] =
      std::ranges::minmax_element(steps, {}, [](auto const& one) { return one.second; });
  read.fewest_steps = fewest == steps.end() ? 0 : fewest->second;
  read.most_steps = most == steps.end() ? 0 : most->second;
}

/// What a rank has to write of one file; `steps` by place, where datasets tell them.
template <class T>
struct Share {
  HostedParameters const& arrays;
  std::vector<std::span<T const>> blocks;
  std::vector<std::int64_t> steps = {};
};

template <class T>
void append(io::ParameterWriter& file, Share<T> const& share) {
  for (std::size_t place = 0; place < share.blocks.size(); ++place) {
    for (nn::Parameter const& array : share.arrays[place]) {
      io::ParameterSlice const slice = slice_of(array);
      file.write(slice, part_of(array, share.blocks[place]));
      if (!share.steps.empty()) file.describe(slice, "steps", share.steps[place]);
    }
  }
}

void describe(io::ParameterWriter& file, ParametersOf const& run) {
  file.describe("method", run.method);
  file.describe("microbatches", run.microbatches);
  file.describe("config_hash", run.config_hash);
  if (!run.optimizer.empty()) file.describe("optimizer", run.optimizer);
}

template <class T>
void write_in_turns(comm::Communicator& communicator, fs::path const& aside,
                    ParametersOf const& run, Share<T> const& share) {
  comm::agree(communicator, [&] {  // a run that was killed here, and goes on, has left its own
    if (communicator.rank() == 0) fs::remove(aside);
  });
  for (int turn = 0; turn < communicator.size(); ++turn) {
    comm::agree(communicator, [&] {
      if (communicator.rank() != turn || share.blocks.empty()) return;
      io::ParameterWriter file(aside);
      append(file, share);
      describe(file, run);
      file.close();
    });
  }
}

/// A state that an earlier end of the run has left goes first: it is of other weights.
void name_files(fs::path const& folder, bool has_state) {
  if (fs::remove(folder / optimizer_file)) io::sync_to_disk(folder);
  io::put_in_place(folder / unfinished_parameters_file, folder / parameters_file);
  if (has_state) io::put_in_place(folder / unfinished_optimizer_file, folder / optimizer_file);
}

}  // namespace

HostedParameters arrays_of_state(HostedParameters const& hosted, std::string const& optimizer) {
  HostedParameters all;
  for (auto const& parameters : hosted) {
    auto& arrays = all.emplace_back();
    std::int64_t first = 0;
    for (std::string const& name : nn::state_names(optimizer)) {
      for (nn::Parameter array : parameters) {
        if (array.role != nn::Role::trained) continue;
        array.name = name + "." + array.name;
        array.offset += first;
        arrays.push_back(std::move(array));
      }
      first += size_of(parameters);
    }
  }
  return all;
}

template <class T>
ReadWeights<T> read_parameters(comm::Communicator& communicator, std::string const& file,
                               HostedParameters const& hosted) {
  auto const model = shapes_of(communicator.gather(text_of(hosted)));
  ReadWeights<T> read;
  comm::agree(communicator, [&] {
    io::ParameterReader const reader(file);
    reader.require(model);
    for (auto const& parameters : hosted)
      read.blocks.push_back(read_block<T>(reader, parameters, size_of(parameters)));
    read.checksum = reader.checksum();
  });
  comm::require_equal(communicator, file, read.checksum);
  return read;
}

template <class T>
ReadOptimizers<T> read_optimizers(comm::Communicator& communicator, std::string const& file,
                                  std::string const& optimizer, HostedParameters const& hosted) {
  auto const arrays = arrays_of_state(hosted, optimizer);
  auto const model = shapes_of(communicator.gather(text_of(arrays)));
  ReadOptimizers<T> read;
  comm::agree(communicator, [&] {
    io::ParameterReader const reader(file);
    reader.require(model);
    read_states(reader, hosted, arrays, std::ssize(nn::state_names(optimizer)), read);
    read.checksum = reader.checksum();
  });
  comm::require_equal(communicator, file, read.checksum);
  return read;
}

template <class T>
void write_parameters(comm::Communicator& communicator, fs::path const& folder,
                      ParametersOf const& run, HostedParameters const& hosted,
                      TrainedModel<T> const& model) {
  ParametersOf weights_of = run;
  weights_of.optimizer.clear();
  write_in_turns<T>(communicator, folder / unfinished_parameters_file, weights_of,
                    {hosted, model.weights});
  bool const has_state = !nn::state_names(run.optimizer).empty();
  if (has_state) {
    auto const arrays = arrays_of_state(hosted, run.optimizer);
    Share<T> share{arrays, {}};
    for (auto const& state : model.optimizers) {
      share.blocks.push_back(state.values);
      share.steps.push_back(state.steps);
    }
    write_in_turns<T>(communicator, folder / unfinished_optimizer_file, run, share);
  }
  comm::agree(communicator, [&] {
    if (communicator.rank() == 0) name_files(folder, has_state);
  });
}

template ReadWeights<float> read_parameters<float>(comm::Communicator&, std::string const&,
                                                   HostedParameters const&);
template ReadWeights<double> read_parameters<double>(comm::Communicator&, std::string const&,
                                                     HostedParameters const&);
template ReadOptimizers<float> read_optimizers<float>(comm::Communicator&, std::string const&,
                                                      std::string const&, HostedParameters const&);
template ReadOptimizers<double> read_optimizers<double>(comm::Communicator&, std::string const&,
                                                        std::string const&,
                                                        HostedParameters const&);
template void write_parameters(comm::Communicator&, fs::path const&, ParametersOf const&,
                               HostedParameters const&, TrainedModel<float> const&);
template void write_parameters(comm::Communicator&, fs::path const&, ParametersOf const&,
                               HostedParameters const&, TrainedModel<double> const&);

}  // namespace quartic::app
