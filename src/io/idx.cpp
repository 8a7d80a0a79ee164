#include <algorithm>

#include "beside.hpp"
#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

// The bytes of an IDX file: 0, 0, the type of its items, the number of its dimensions, each
// dimension in four bytes from the highest on, and the items.
struct Idx {
  std::int64_t items = 0;       ///< the first dimension
  std::int64_t item_bytes = 1;  ///< the product of the others, and of the bytes of a number
  std::size_t begin = 0;        ///< where the items begin
  std::string bytes;
};

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

// 4 bytes, from the highest on.
std::uint32_t number_at(std::string_view bytes, std::size_t begin) {
  std::uint32_t value = 0;
  for (std::size_t i = begin; i < begin + 4; ++i) value = value << 8 | byte_at(bytes, i);
  return value;
}

std::int64_t dimension(std::string_view bytes, std::size_t number) {
  return number_at(bytes, 4 + 4 * number);
}

// Four dimensions of 32 bits overflow: stop as soon as they exceed what the file can hold.
void check_length(std::string const& path, Idx const& idx) {
  auto const held = static_cast<std::int64_t>(idx.bytes.size() - idx.begin);
  if (idx.items > 0 && idx.item_bytes > held / idx.items) {
    usage_error("{}: is truncated: its header declares {} items of {} bytes, but {} bytes follow",
                path, idx.items, idx.item_bytes, held);
  }
  if (idx.items * idx.item_bytes != held) {
    usage_error("{}: its header declares {} items of {} bytes, but {} bytes follow", path,
                idx.items, idx.item_bytes, held);
  }
  if (held == 0) usage_error("{}: has no items", path);
}

// The type of the items, as its byte says it.
constexpr std::uint32_t unsigned_bytes = 8;
constexpr std::uint32_t integers = 12;  ///< of 4 bytes

void check_type(std::string const& path, std::string_view bytes, bool labels) {
  if (bytes.size() < 4 || !begins_as_idx(bytes)) {
    usage_error("{}: is not an IDX file, which begins with the bytes 0 0 8", path);
  }
  std::uint32_t const type = byte_at(bytes, 2);
  if (type == unsigned_bytes || (labels && type == integers)) return;
  usage_error("{}: byte 2, the type, is {}; valid: 8 (unsigned bytes){}", path, type,
              labels ? ", 12 (4-byte integers)" : "");
}

Idx parse(std::string const& path, std::string bytes, bool labels = false) {
  check_type(path, bytes, labels);
  std::size_t const dimensions = byte_at(bytes, 3);
  std::int64_t const number_bytes = byte_at(bytes, 2) == integers ? 4 : 1;
  Idx idx{0, number_bytes, 4 + 4 * dimensions, std::move(bytes)};
  if (dimensions == 0)
    usage_error("{}: byte 3, the number of dimensions, is 0; valid: 1 to 4", path);
  if (idx.bytes.size() < idx.begin) {
    usage_error("{}: is truncated: its header needs {} bytes, but the file has {}", path, idx.begin,
                idx.bytes.size());
  }
  idx.items = dimension(idx.bytes, 0);
  auto const limit = static_cast<std::int64_t>(idx.bytes.size());
  for (std::size_t i = 1; i < dimensions && idx.item_bytes <= limit; ++i) {
    idx.item_bytes *= dimension(idx.bytes, i);
  }
  check_length(path, idx);
  return idx;
}

// Labels of one dimension, or in the first column of QMNIST's two.
Idx parse_labels(std::string const& path, std::string bytes) {
  Idx labels = parse(path, std::move(bytes), true);
  std::uint32_t const dimensions = byte_at(labels.bytes, 3);
  bool const columns = dimensions == 2 && byte_at(labels.bytes, 2) == integers;
  if (dimensions != 1 && !columns) {
    usage_error("{}: has {} dimensions; labels must have 1, or 2 if they are 4-byte integers", path,
                dimensions);
  }
  return labels;
}

// The first number of every item.
std::vector<double> numbers_of(Idx const& idx) {
  bool const wide = byte_at(idx.bytes, 2) == integers;
  std::vector<double> numbers;
  for (std::int64_t item = 0; item < idx.items; ++item) {
    std::size_t const at = idx.begin + static_cast<std::size_t>(item * idx.item_bytes);
    numbers.push_back(wide ? static_cast<std::int32_t>(number_at(idx.bytes, at))
                           : static_cast<std::int32_t>(byte_at(idx.bytes, at)));
  }
  return numbers;
}

// Items of one dimension are no images.
ImageShape image_shape(std::string_view bytes) {
  std::uint32_t const dimensions = byte_at(bytes, 3);
  if (dimensions == 3) return {1, dimension(bytes, 1), dimension(bytes, 2)};
  if (dimensions == 4) return {dimension(bytes, 1), dimension(bytes, 2), dimension(bytes, 3)};
  return {};
}

class IdxReader final : public TypedReader<IdxReader> {
 public:
  IdxReader(Idx images, FileBytes const& images_file, Idx const& labels,
            FileBytes const& labels_file, TargetRules const& rules)
      : images_(std::move(images)), targets_(numbers_of(labels)) {
    shape_ = {images_.items, images_.item_bytes,
              checksum_text(
                  joined_checksum(images_file.checksum, labels_file.checksum, labels_file.length)),
              image_shape(images_.bytes)};
    Classes classes = number_targets(targets_, rules, [&](std::size_t row) {
      return fmt::format("{}: item {}, counted from 0", labels_file.path, row);
    });
    classes_ = classes.count;
    facts_ = {.format = "IDX images",
              .kind = "images",
              .bytes = images_file.length + labels_file.length,
              .labels = std::move(classes.labels)};
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    QUARTIC_ASSERT(columns.first + columns.size <= shape_.features);
    DenseFeatures<T> features{shape_.rows, columns.size, {}};
    features.values.resize(static_cast<std::size_t>(shape_.rows * columns.size));
    auto value = features.values.begin();
    for (std::int64_t row = 0; row < shape_.rows; ++row) {
      auto const pixel = images_.bytes.begin() + static_cast<std::ptrdiff_t>(images_.begin) +
                         row * shape_.features + columns.first;
      value = std::transform(pixel, pixel + columns.size, value, [](char byte) {
        return static_cast<T>(static_cast<unsigned char>(byte)) / T{255};
      });
    }
    return {std::move(features), to_precision<T>(targets_)};
  }

 private:
  Idx images_;
  std::vector<double> targets_;
};

}  // namespace

bool begins_as_idx(std::string_view bytes) {
  return bytes.starts_with(std::string_view("\0\0", 2));
}

bool fits_idx(std::string_view bytes) {
  if (bytes.size() < 4 || byte_at(bytes, 0) != 0 || byte_at(bytes, 1) != 0) return false;
  std::size_t const dimensions = byte_at(bytes, 3);
  std::size_t const begin = 4 + 4 * dimensions;
  bool const announced = byte_at(bytes, 2) == 8 && dimensions >= 1 && dimensions <= 4;
  if (!announced || bytes.size() < begin) return false;
  // No product overflows, because the loop ends at the first that is larger than the file.
  auto const held = static_cast<std::int64_t>(bytes.size() - begin);
  std::int64_t items = 1;
  for (std::size_t i = 0; i < dimensions && items <= held; ++i) items *= dimension(bytes, i);
  return items == held;
}

std::unique_ptr<Reader> open_idx(FileBytes images, std::string const& labels_path,
                                 TargetRules const& targets) {
  Idx pixels = parse(images.path, std::move(images.bytes));
  if (byte_at(pixels.bytes, 3) == 1) {
    usage_error("{}: holds labels; give the images, whose name has 'images-idx3'", images.path);
  }
  FileBytes labels_file = read_file(labels_path.empty() ? labels_beside(images.path) : labels_path);
  Idx const labels = parse_labels(labels_file.path, std::move(labels_file.bytes));
  if (labels.items != pixels.items) {
    usage_error("{}: has {} labels, but there are {} images in {}", labels_file.path, labels.items,
                pixels.items, images.path);
  }
  return std::make_unique<IdxReader>(std::move(pixels), images, labels, labels_file, targets);
}

}  // namespace quartic::io
