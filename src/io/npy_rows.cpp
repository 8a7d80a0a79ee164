#include <algorithm>

#include "beside.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/npy.hpp"
#include "quartic/io/rows.hpp"

namespace quartic::io {
namespace {

class NpyReader final : public TypedReader<NpyReader> {
 public:
  NpyReader(FileBytes features, FileBytes const& targets, TargetRules const& rules)
      : file_(std::move(features)), array_(parse_npy(file_)) {
    shape_ = shape_of_rows(file_.path + ": the array", array_.shape);
    shape_.checksum =
        checksum_text(joined_checksum(file_.checksum, targets.checksum, targets.length));
    read_targets(targets);
    Classes classes = number_targets(targets_, rules, [&](std::size_t row) {
      return fmt::format("{}: row {}, counted from 0", targets.path, row);
    });
    classes_ = classes.count;
    facts_ = {.format = ".npy",
              .kind = "numbers",
              .bytes = file_.length + targets.length,
              .labels = std::move(classes.labels)};
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    auto const number = [&](std::int64_t index) { return array_.at(index); };
    return {dense_columns<T>(file_.path, shape_, columns, number), to_precision<T>(targets_)};
  }

 private:
  void read_targets(FileBytes const& file) {
    NpyArray const array = parse_npy(file);
    check_target_shape(file.path + ": the array", array.shape, shape_.rows);
    for (std::int64_t row = 0; row < shape_.rows; ++row) targets_.push_back(array.at(row));
  }

  FileBytes file_;
  NpyArray array_;
  std::vector<double> targets_;
};

}  // namespace

std::unique_ptr<Reader> open_npy(FileBytes const& features, std::string const& targets_path,
                                 TargetRules const& targets) {
  std::string const path = targets_path.empty() ? targets_beside(features.path) : targets_path;
  return std::make_unique<NpyReader>(features, read_file(path), targets);
}

}  // namespace quartic::io
