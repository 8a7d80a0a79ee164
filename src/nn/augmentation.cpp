#include "quartic/nn/augmentation.hpp"

#include <algorithm>
#include <cstdlib>

#include "quartic/core/check.hpp"
#include "quartic/core/random.hpp"

namespace quartic::nn {
namespace {

template <class T>
std::span<T> line(std::span<T> lines, std::int64_t index, std::int64_t width) {
  return lines.subspan(static_cast<std::size_t>(index * width), static_cast<std::size_t>(width));
}

/// The window that begins at place `right` of a line, which may lie before it; zeros where there is
/// no line.
template <class T>
void copy_line(std::span<T const> from, std::int64_t right, bool flipped, std::span<T> to) {
  std::int64_t const inside = std::ssize(from) - std::abs(right);
  auto const begin = from.begin() + std::max<std::int64_t>(0, right);
  std::int64_t const before = std::max<std::int64_t>(0, -right);
  std::fill(to.begin(), to.end(), T(0));
  if (flipped) {
    std::reverse_copy(begin, begin + inside, to.end() - before - inside);
  } else {
    std::copy(begin, begin + inside, to.begin() + before);
  }
}

}  // namespace

Augmentation::Augmentation(Augment kind, ImageShape image, std::int64_t rows, std::uint64_t seed)
    : kind_(kind), image_(image), rows_(rows), seed_(seed) {
  QUARTIC_ASSERT(kind == Augment::flip || std::min(image.height, image.width) > padding);
}

Augmentation::Change Augmentation::draw(std::int64_t epoch, std::int64_t row) const {
  Stream stream(seed_, StreamName::augment, 0, static_cast<std::uint64_t>(epoch * rows_ + row));
  Change change;
  bool const flips = stream.below(2) == 1;
  if (kind_ == Augment::flip || kind_ == Augment::flip_crop) change.flipped = flips;
  if (kind_ == Augment::crop || kind_ == Augment::flip_crop) {
    change.down = static_cast<std::int64_t>(stream.below(2 * padding + 1)) - padding;
    change.right = static_cast<std::int64_t>(stream.below(2 * padding + 1)) - padding;
  }
  return change;
}

template <class T>
void Augmentation::copy(std::int64_t epoch, std::int64_t row, std::span<T const> from,
                        std::span<T> to) const {
  Change const change = draw(epoch, row);
  for (std::int64_t at = 0; at < image_.channels * image_.height; ++at) {
    std::int64_t const y = at % image_.height + change.down;
    auto const target = line(to, at, image_.width);
    if (y < 0 || y >= image_.height) {
      std::fill(target.begin(), target.end(), T(0));
    } else {
      copy_line(line(from, at + change.down, image_.width), change.right, change.flipped, target);
    }
  }
}

template void Augmentation::copy(std::int64_t, std::int64_t, std::span<float const>,
                                 std::span<float>) const;
template void Augmentation::copy(std::int64_t, std::int64_t, std::span<double const>,
                                 std::span<double>) const;

}  // namespace quartic::nn
