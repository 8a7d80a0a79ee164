#pragma once

#include <algorithm>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "quartic/core/check.hpp"

/// Hostile input: every reader of quartic, as a function of bytes.
///
/// Two programs are linked of the targets: `fuzz_readers` of the preset fuzz, where libFuzzer looks
/// for new ways through a reader, and `mutate_readers` of the others, which makes the same
/// mutations every time. One more reader is one more file here and one line in seeds.py.
namespace quartic::fuzz {

/// A reader took what it should have refused, or left behind what it should not.
struct Finding : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Target {
  std::string_view name;  ///< and that of its folder of seeds
  /// Hands the bytes to the reader, and returns what was read in any form that differs where it
  /// does. A UsageError is the proper answer to bytes that are no such file; anything else that
  /// comes out is a finding.
  std::string (*read)(std::string const& bytes);
};

/// All targets, by name.
std::span<Target const> targets();
/// UsageError lists the names that there are.
Target const& find_target(std::string_view name);

/// `Registration const idx{{"idx", read_idx}};` in the target's file.
struct Registration {
  explicit Registration(Target const& target);
};

/// Writes a file for a reader that takes a path, into the process's own folder, which is in memory
/// where it can be. Its parent folders are made; the file is there until the process ends.
std::string place(std::string const& name, std::string_view bytes);
/// That folder.
std::filesystem::path const& workplace();
/// The whole file; empty where there is none.
std::string bytes_of(std::filesystem::path const& path);

/// Processor time of this process and of its reading children, and the most for one input.
double processor_seconds();
inline constexpr double most_processor_seconds = 5;

/// Before the first reader: HDF5 keeps no block that it has freed. A leak would else be told with
/// the stack of its block's first use, and HDF5's own (lsan.supp) not be known.
void tell_leaks_apart();

/// Refuses zeros and nothing else as a reader would: their Fletcher checksum is zero too, so a hole
/// in an HDF5 file is as right as can be told.
template <class Number>
void refuse_hole(std::vector<Number> const& values) {
  if (std::all_of(values.begin(), values.end(), [](Number value) { return value == 0; }))
    throw UsageError("a hole");
}

}  // namespace quartic::fuzz
