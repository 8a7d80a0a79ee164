#pragma once

#include <string>

/// Files that belong to another and are found by its name. UsageError, which lists the names that
/// were looked for, where there is none.
namespace quartic::io {

/// train-images-idx3-ubyte.gz -> train-labels-idx1-ubyte.gz.
std::string labels_beside(std::string const& path);

/// X_train.npy -> y_train.npy.
std::string targets_beside(std::string const& path);

}  // namespace quartic::io
