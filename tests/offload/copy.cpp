#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <vector>

#include "quartic/compute/background_copy.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/compute/device.hpp"
#include "quartic/compute/vector.hpp"

using namespace quartic;
using namespace quartic::compute;

namespace {

constexpr std::size_t count = 1000;

struct Place {
  PinnedMemory memory{count * sizeof(float)};
  std::span<float> values{reinterpret_cast<float*>(memory.data()), count};
};

bool all(std::span<float const> values, float value) {
  return std::all_of(values.begin(), values.end(), [=](float v) { return v == value; });
}

std::vector<float> on_host(Buffer<float> const& buffer) {
  std::vector<float> values(static_cast<std::size_t>(buffer.size()));
  to_host<float>(buffer.view(), values);
  return values;
}

bool host_stands_in() {
  return device_count() == 0;
}

}  // namespace

TEST_CASE("a copy beside the kernels has what those before it left, and those after it find it") {
  Place from;
  Place to;
  Buffer<float> buffer(count);
  BackgroundCopy copy;
  for (int round = 1; round <= 3; ++round) {
    auto const value = static_cast<float>(round);
    std::fill(from.values.begin(), from.values.end(), value);
    copy.from_host(from.memory.data(), std::as_writable_bytes(buffer.view()));
    scale<float>(2, buffer.view());
    CHECK(all(on_host(buffer), 2 * value));
    copy.wait();
    copy.to_host(std::as_bytes(buffer.view()), to.memory.data());
    while (!copy.done()) continue;
    CHECK(all(to.values, 2 * value));
  }
  copy.follow_kernels();
  copy.wait();
  CHECK(copy.done());
}

// Late copies make tests of whole programs fail where somebody does not wait.
TEST_CASE("where the host stands in for a device copies are as late as they may be" *
          doctest::skip(!host_stands_in())) {
  Place place;
  Buffer<float> buffer(count);
  BackgroundCopy copy;
  fill<float>(1, buffer.view());
  copy.to_host(std::as_bytes(buffer.view()), place.memory.data());
  fill<float>(2, buffer.view());
  CHECK_FALSE(copy.done());
  CHECK(copy.done());
  CHECK(all(place.values, 2));

  copy.from_host(place.memory.data(), std::as_writable_bytes(buffer.view()));
  std::fill(place.values.begin(), place.values.end(), 3.F);
  CHECK(all(on_host(buffer), 3));
  CHECK(copy.done());
}
