#include "quartic/io/format.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "quartic/core/check.hpp"

namespace quartic::io {
namespace {

constexpr std::array<std::pair<char const*, Format>, 10> names{{{"hdf5", Format::hdf5},
                                                                {"npy", Format::npy},
                                                                {"idx", Format::idx},
                                                                {"cifar10", Format::cifar10},
                                                                {"cifar100", Format::cifar100},
                                                                {"libsvm", Format::libsvm},
                                                                {"csv", Format::csv},
                                                                {"text", Format::text},
                                                                {"tokens", Format::tokens},
                                                                {"llmc", Format::llmc}}};

}  // namespace

std::string format_names() {
  std::string list;
  for (auto const& [name, format] : names)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", name);
  return list;
}

Format format_named(std::string const& name) {
  auto const found = std::find_if(names.begin(), names.end(),
                                  [&](auto const& entry) { return entry.first == name; });
  if (found == names.end())
    usage_error("--data-format '{}': unknown format; valid: {}", name, format_names());
  return found->second;
}

}  // namespace quartic::io
