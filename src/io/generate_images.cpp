#include <algorithm>
#include <cmath>
#include <numbers>

#include "quartic/core/check.hpp"
#include "quartic/core/random.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

// Streams of the data's own seed, after those of generate.cpp.
constexpr std::uint64_t seed = 0;
constexpr std::uint32_t template_index = 3;
constexpr std::uint32_t class_index = 4;
constexpr std::uint32_t noise_index = 5;

constexpr int waves = 6;
constexpr double contrast = 0.25;  ///< of a template about grey
constexpr double noise = 0.8;      ///< the width of a pixel's uniform noise

std::int64_t side_of(std::int64_t pixels) {
  return static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(pixels))));
}

// Pixels that do not fill their last line are no image.
ImageShape image_shape(std::int64_t pixels) {
  std::int64_t const side = side_of(pixels);
  if (pixels % side != 0) return {};
  return {1, pixels / side, side};
}

// A picture of its class alone: grey plus a few long waves, so that neighbours are alike.
std::vector<double> draw_template(std::int64_t label, std::int64_t pixels) {
  Stream stream(seed, StreamName::data, template_index, static_cast<std::uint64_t>(label));
  std::int64_t const side = side_of(pixels);
  std::vector<double> values(static_cast<std::size_t>(pixels), 0.5);
  for (int wave = 0; wave < waves; ++wave) {
    double const across = 3 * stream.uniform();
    double const down = 3 * stream.uniform();
    double const phase = stream.uniform();
    double const height = contrast * stream.normal() / std::sqrt(waves / 2.0);
    for (std::int64_t i = 0; i < pixels; ++i) {
      std::int64_t const row = i / side;
      std::int64_t const column = i % side;
      double const x = static_cast<double>(column) / static_cast<double>(side);
      double const y = static_cast<double>(row) / static_cast<double>(side);
      values[static_cast<std::size_t>(i)] +=
          height * std::cos(2 * std::numbers::pi * (across * x + down * y + phase));
    }
  }
  return values;
}

// The noise of a pixel has 8 bits, as a pixel has: one draw is enough for eight of them.
void add_noise(std::int64_t row, std::vector<double>& pixels) {
  Stream stream(seed, StreamName::data, noise_index, static_cast<std::uint64_t>(row));
  for (std::size_t begin = 0; begin < pixels.size(); begin += 8) {
    std::uint64_t bits = stream.bits();
    for (std::size_t i = begin; i < std::min(begin + 8, pixels.size()); ++i, bits >>= 8) {
      double const uniform = (static_cast<double>(bits & 255) - 127.5) / 255;
      pixels[i] = std::clamp(pixels[i] + noise * uniform, 0.0, 1.0);
    }
  }
}

class ImageGenerator final : public TypedReader<ImageGenerator> {
 public:
  explicit ImageGenerator(GeneratedSize const& size) {
    shape_ = {size.rows, size.features,
              fmt::format("generate:images rows={} features={} classes={}", size.rows,
                          size.features, size.classes),
              image_shape(size.features)};
    classes_ = size.classes;
    facts_ = {.format = "generate:images", .kind = "images"};
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    QUARTIC_ASSERT(columns.first + columns.size <= shape_.features);
    std::vector<std::vector<double>> templates;
    for (std::int64_t label = 0; label < classes_; ++label) {
      templates.push_back(draw_template(label, shape_.features));
    }
    DenseFeatures<T> features{shape_.rows, columns.size, {}};
    features.values.reserve(static_cast<std::size_t>(shape_.rows * columns.size));
    std::vector<T> targets;
    std::vector<double> pixels;
    for (std::int64_t row = 0; row < shape_.rows; ++row) {
      std::int64_t const label = label_of(row);
      pixels = templates[static_cast<std::size_t>(label)];
      add_noise(row, pixels);
      auto const begin = pixels.begin() + columns.first;
      features.values.insert(features.values.end(), begin, begin + columns.size);
      targets.push_back(static_cast<T>(label));
    }
    return {std::move(features), std::move(targets)};
  }

 private:
  std::int64_t label_of(std::int64_t row) const {
    Stream stream(seed, StreamName::data, class_index, static_cast<std::uint64_t>(row));
    return static_cast<std::int64_t>(stream.bits() % static_cast<std::uint64_t>(classes_));
  }
};

}  // namespace

std::unique_ptr<Reader> open_generated_images(Targets targets, GeneratedSize const& size) {
  constexpr std::int64_t most = 4096;
  if (size.classes < 2 || size.classes > most) {
    usage_error("--classes {}: must be from 2 to {}", size.classes, most);
  }
  if (targets == Targets::binary && size.classes != 2) {
    usage_error("generate:images: this objective needs labels 0 and 1; add --classes 2");
  }
  return std::make_unique<ImageGenerator>(size);
}

}  // namespace quartic::io
