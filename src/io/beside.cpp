#include "beside.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "quartic/core/check.hpp"

namespace quartic::io {
namespace {

namespace fs = std::filesystem;

// train-images-idx3-ubyte.gz -> train-labels-idx1-ubyte.gz, or as QMNIST names them
// train-labels-idx2-int; packed or not.
std::vector<std::string> names_of_labels(std::string const& path) {
  fs::path const images(path);
  std::string name = images.filename().string();
  auto const place = name.rfind("images");
  if (place == std::string::npos) {
    usage_error(
        "{}: no label file is given; give {},LABELS, or a file name with 'images', such as "
        "images-idx3, and beside it the same name with 'labels'",
        path, path);
  }
  name.replace(place, 6, "labels");
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  std::vector<std::string> names{name};
  auto const idx3 = name.rfind("idx3");
  if (idx3 != std::string::npos) {
    names = {name.substr(0, idx3) + "idx1" + name.substr(idx3 + 4),
             name.substr(0, idx3) + "idx2-int"};
  }
  for (std::size_t i = names.size(); i-- > 0;) names.push_back(names[i] + ".gz");
  for (std::string& each : names) each = (images.parent_path() / each).string();
  return names;
}

bool is_letter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/// Where x or X stands in a name as a word of its own; npos if it does not.
std::size_t place_of_x(std::string const& name) {
  for (std::size_t at = 0; at < name.size(); ++at) {
    bool const begins = at == 0 || !is_letter(name[at - 1]);
    bool const ends = at + 1 == name.size() || !is_letter(name[at + 1]);
    if ((name[at] == 'x' || name[at] == 'X') && begins && ends) return at;
  }
  return std::string::npos;
}

}  // namespace

std::string labels_beside(std::string const& path) {
  std::vector<std::string> const names = names_of_labels(path);
  auto const found =
      std::find_if(names.begin(), names.end(), [](auto const& name) { return fs::exists(name); });
  if (found == names.end()) {
    usage_error("{}: its label file is missing: none of {} exists", path, fmt::join(names, ", "));
  }
  return *found;
}

std::string targets_beside(std::string const& path) {
  fs::path targets(path);
  std::string name = targets.filename().string();
  std::size_t const at = place_of_x(name);
  if (at == std::string::npos) {
    usage_error(
        "{}: no target file is given; give {},TARGETS.npy, or a file name with X or x and beside "
        "it the same name with y",
        path, path);
  }
  name[at] = 'y';
  targets.replace_filename(name);
  if (!fs::exists(targets)) {
    usage_error("{}: its target file {} is missing; create it, or give {},TARGETS.npy", path,
                targets.string(), path);
  }
  return targets.string();
}

}  // namespace quartic::io
