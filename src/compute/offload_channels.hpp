#pragma once

#include "offload_loops.hpp"
#include "quartic/compute/image.hpp"

namespace quartic::compute {

/// finish(channel, Σ term(channel, element)) for every channel of [images, channels, pixels], in
/// double: a warp adds up one image's pixels, then a thread the images in their order.
template <class Term, class Finish>
void for_channels(Batches const& shape, Term const& term, Finish const& finish) {
  auto* const of_plane = workspace<double>(Workspace::rows, shape.images * shape.channels);
  for_each_row(shape.images * shape.channels, [=](std::int64_t plane) {
    std::int64_t const channel = plane % shape.channels;
    std::int64_t const first = plane * shape.pixels;
    of_plane[plane] =
        row_sum<double>(shape.pixels, [=](std::int64_t i) { return term(channel, first + i); });
  });
  for_each(shape.channels, [=](std::int64_t channel) {
    double sum = 0;
    for (std::int64_t image = 0; image < shape.images; ++image)
      sum += of_plane[image * shape.channels + channel];
    finish(channel, sum);
  });
}

}  // namespace quartic::compute
