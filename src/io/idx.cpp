#include <algorithm>
#include <filesystem>

#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

namespace fs = std::filesystem;

// The bytes of an IDX file: 0, 0, the type of its items, the number of its dimensions, each
// dimension in four bytes from the highest on, and the items.
struct Idx {
  std::int64_t items = 0;       ///< the first dimension
  std::int64_t item_bytes = 1;  ///< the product of the others
  std::size_t begin = 0;        ///< where the items begin
  ImageShape image = {};        ///< what an item is, if it has two dimensions
  std::string bytes;
};

std::uint32_t byte_at(std::string const& bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::int64_t dimension(std::string const& bytes, std::size_t number) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | byte_at(bytes, 4 + 4 * number + i);
  return value;
}

// Four dimensions of 32 bits overflow: stop as soon as they exceed what the file can hold.
void check_length(std::string const& path, Idx const& idx) {
  auto const held = static_cast<std::int64_t>(idx.bytes.size() - idx.begin);
  if (idx.items > 0 && idx.item_bytes > held / idx.items) {
    usage_error("{}: is truncated: its header announces {} items of {} bytes, {} bytes follow",
                path, idx.items, idx.item_bytes, held);
  }
  if (idx.items * idx.item_bytes != held) {
    usage_error("{}: its header announces {} items of {} bytes, {} bytes follow", path, idx.items,
                idx.item_bytes, held);
  }
  if (held == 0) usage_error("{}: has no items", path);
}

Idx parse(std::string const& path, std::string bytes) {
  if (bytes.size() < 4 || byte_at(bytes, 0) != 0 || byte_at(bytes, 1) != 0) {
    usage_error("{}: is not an IDX file, which begins with the bytes 0 0 8", path);
  }
  if (byte_at(bytes, 2) != 8) {
    usage_error("{}: byte 2 is {}; valid is 8, items of one unsigned byte", path,
                byte_at(bytes, 2));
  }
  std::size_t const dimensions = byte_at(bytes, 3);
  Idx idx{0, 1, 4 + 4 * dimensions, {}, std::move(bytes)};
  if (dimensions == 0) usage_error("{}: byte 3 is 0; valid are 1 to 4 dimensions", path);
  if (idx.bytes.size() < idx.begin) {
    usage_error("{}: is truncated: a header of {} bytes, the file has {}", path, idx.begin,
                idx.bytes.size());
  }
  idx.items = dimension(idx.bytes, 0);
  auto const limit = static_cast<std::int64_t>(idx.bytes.size());
  for (std::size_t i = 1; i < dimensions && idx.item_bytes <= limit; ++i) {
    idx.item_bytes *= dimension(idx.bytes, i);
  }
  check_length(path, idx);
  if (dimensions == 3) idx.image = {1, dimension(idx.bytes, 1), dimension(idx.bytes, 2)};
  return idx;
}

// train-images-idx3-ubyte.gz -> train-labels-idx1-ubyte.gz, which may be packed or not.
std::string labels_beside(std::string const& path) {
  fs::path labels(path);
  std::string name = labels.filename().string();
  auto const images = name.rfind("images");
  auto const idx3 = name.rfind("idx3");
  if (images == std::string::npos || idx3 == std::string::npos) {
    usage_error(
        "{}: its labels cannot be found: a name with 'images-idx3' has them beside it under "
        "'labels-idx1'",
        path);
  }
  name.replace(idx3, 4, "idx1").replace(images, 6, "labels");
  labels.replace_filename(name);
  if (fs::exists(labels)) return labels.string();
  fs::path other = labels;
  if (labels.extension() == ".gz") {
    other.replace_extension();
  } else {
    other += ".gz";
  }
  if (fs::exists(other)) return other.string();
  usage_error("{}: its labels are not beside it: neither {} nor {} is there", path, labels.string(),
              other.string());
}

class IdxReader final : public TypedReader<IdxReader> {
 public:
  IdxReader(Idx images, Idx const& labels, std::string const& labels_path, std::string checksum,
            Targets meaning)
      : images_(std::move(images)) {
    shape_ = {images_.items, images_.item_bytes, std::move(checksum), images_.image};
    for (std::size_t at = labels.begin; at < labels.bytes.size(); ++at) {
      targets_.push_back(byte_at(labels.bytes, at));
    }
    classes_ = check_targets(targets_, meaning, [&](std::size_t row) {
      return fmt::format("{}: item {}, counted from 0", labels_path, row);
    });
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

std::unique_ptr<Reader> open_idx(std::string const& path, std::string images,
                                 std::string const& packed, Targets targets) {
  Idx pixels = parse(path, std::move(images));
  if (byte_at(pixels.bytes, 3) == 1) {
    usage_error("{}: holds labels; give the images, whose name has 'images-idx3'", path);
  }
  std::string const labels_path = labels_beside(path);
  std::string const labels_packed = read_bytes(labels_path);
  Idx const labels =
      parse(labels_path,
            is_gzip(labels_packed) ? unpack_gzip(labels_packed, labels_path) : labels_packed);
  if (byte_at(labels.bytes, 3) != 1) {
    usage_error("{}: has {} dimensions; labels have 1", labels_path, byte_at(labels.bytes, 3));
  }
  if (labels.items != pixels.items) {
    usage_error("{}: has {} labels for the {} images of {}", labels_path, labels.items,
                pixels.items, path);
  }
  std::uint32_t const checksum = checksum_of(labels_packed, checksum_of(packed));
  return std::make_unique<IdxReader>(std::move(pixels), labels, labels_path,
                                     checksum_text(checksum), targets);
}

}  // namespace quartic::io
