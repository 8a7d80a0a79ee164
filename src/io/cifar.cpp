#include <algorithm>
#include <filesystem>

#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

namespace fs = std::filesystem;

constexpr ImageShape image_shape{3, 32, 32};
constexpr std::size_t pixels = 3072;

// An image of a file is its labels, coarse and fine in CIFAR-100, and its pixels.
struct Form {
  char const* name;
  std::size_t record;
  std::vector<int> labels;  ///< how many values each of them has

  std::int64_t classes() const { return labels.back(); }
};

Form const cifar10{"CIFAR-10", cifar10_record, {10}};
Form const cifar100{"CIFAR-100", cifar100_record, {20, 100}};

int byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

// The place of the first label that is beyond its values, or the end.
std::size_t wrong_label(Form const& form, std::string_view bytes) {
  for (std::size_t begin = 0; begin < bytes.size(); begin += form.record) {
    for (std::size_t i = 0; i < form.labels.size(); ++i) {
      if (byte_at(bytes, begin + i) >= form.labels[i]) return begin + i;
    }
  }
  return bytes.size();
}

bool fits(Form const& form, std::string_view bytes) {
  return !bytes.empty() && bytes.size() % form.record == 0 &&
         wrong_label(form, bytes) == bytes.size();
}

void check(Form const& form, std::string const& path, std::string_view bytes) {
  if (bytes.size() % form.record != 0) {
    usage_error(
        "{}: has {} bytes, not a whole number of {} images of {} bytes; the nearest size is {}",
        path, bytes.size(), form.name, form.record, nearest_multiple(bytes.size(), form.record));
  }
  std::size_t const wrong = wrong_label(form, bytes);
  if (wrong == bytes.size()) return;
  usage_error("{}: image {}, counted from 0: label {}; valid for this label of {}: 0 to {}", path,
              wrong / form.record, byte_at(bytes, wrong), form.name,
              form.labels[wrong % form.record] - 1);
}

class CifarReader final : public TypedReader<CifarReader> {
 public:
  // `bytes` is that of all files, one after the other.
  CifarReader(Form const& form, FileBytes file, TargetRules const& rules)
      : form_(form), bytes_(std::move(file.bytes)) {
    auto const rows = static_cast<std::int64_t>(bytes_.size() / form_.record);
    shape_ = {rows, pixels, checksum_text(file.checksum), image_shape};
    std::string const name = fmt::format("{} images", form_.name);
    facts_ = {.format = name, .kind = name, .bytes = file.length};
    for (std::size_t row = 0; row < bytes_.size() / form_.record; ++row) {
      targets_.push_back(byte_at(bytes_, row * form_.record + form_.labels.size() - 1));
    }
    // The form numbers its labels, whether all of them occur or not.
    TargetRules const numbered{rules.meaning, std::vector<double>{}};
    classes_ = number_targets(targets_, numbered, [&](std::size_t row) {
                 return fmt::format("{}: image {}, counted from 0", file.path, row);
               }).count;
    if (rules.meaning == Targets::classes) classes_ = form_.classes();
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    QUARTIC_ASSERT(columns.first + columns.size <= shape_.features);
    DenseFeatures<T> features{shape_.rows, columns.size, {}};
    features.values.resize(static_cast<std::size_t>(shape_.rows * columns.size));
    auto value = features.values.begin();
    auto const skipped = static_cast<std::ptrdiff_t>(form_.labels.size()) + columns.first;
    for (std::int64_t row = 0; row < shape_.rows; ++row) {
      auto const pixel = bytes_.begin() + row * static_cast<std::ptrdiff_t>(form_.record) + skipped;
      value = std::transform(pixel, pixel + columns.size, value, [](char byte) {
        return static_cast<T>(static_cast<unsigned char>(byte)) / T{255};
      });
    }
    return {std::move(features), to_precision<T>(targets_)};
  }

 private:
  Form const& form_;
  std::string bytes_;
  std::vector<double> targets_;
};

std::unique_ptr<Reader> open(Form const& form, FileBytes file, TargetRules const& targets) {
  check(form, file.path, file.bytes);
  return std::make_unique<CifarReader>(form, std::move(file), targets);
}

// The training files of a folder, in order.
std::vector<fs::path> training_files(fs::path const& folder, bool hundred) {
  if (hundred) return {folder / "train.bin"};
  std::vector<fs::path> files;
  for (int number = 1; number <= 5; ++number) {
    files.push_back(folder / fmt::format("data_batch_{}.bin", number));
  }
  return files;
}

}  // namespace

std::size_t nearest_multiple(std::size_t length, std::size_t record) {
  return std::max(record, (length + record / 2) / record * record);
}

bool fits_cifar10(std::string_view bytes) {
  return fits(cifar10, bytes);
}

bool fits_cifar100(std::string_view bytes) {
  return fits(cifar100, bytes);
}

std::unique_ptr<Reader> open_cifar10(FileBytes file, TargetRules const& targets) {
  return open(cifar10, std::move(file), targets);
}

std::unique_ptr<Reader> open_cifar100(FileBytes file, TargetRules const& targets) {
  return open(cifar100, std::move(file), targets);
}

std::unique_ptr<Reader> open_cifar_folder(std::string const& path, TargetRules const& targets) {
  bool const ten = fs::exists(fs::path(path) / "data_batch_1.bin");
  if (!ten && !fs::exists(fs::path(path) / "train.bin")) {
    usage_error(
        "{}: is a folder; give a data file, or a folder with CIFAR's data_batch_1.bin to "
        "data_batch_5.bin or train.bin",
        path);
  }
  Form const& form = ten ? cifar10 : cifar100;
  FileBytes all{path, {}};
  for (fs::path const& file : training_files(path, !ten)) {
    std::string const bytes = read_bytes(file.string());
    check(form, file.string(), bytes);
    all.checksum = checksum_of(bytes, all.checksum);
    all.length += std::ssize(bytes);
    all.bytes += bytes;
  }
  return std::make_unique<CifarReader>(form, std::move(all), targets);
}

}  // namespace quartic::io
