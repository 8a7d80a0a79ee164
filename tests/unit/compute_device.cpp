#include <doctest/doctest.h>

#include "quartic/compute/buffer.hpp"
#include "quartic/compute/device.hpp"
#include "unit/compute_samples.hpp"

using namespace quartic;
using namespace quartic::compute;

TEST_CASE("ranks of a node go round its devices") {
  CHECK(device_of(0, 4) == 0);
  CHECK(device_of(3, 4) == 3);
  CHECK(device_of(4, 4) == 0);
  CHECK(device_of(7, 1) == 0);
}

TEST_CASE("a process that chose no device computes on the host, with OpenBLAS" *
          doctest::skip(computes_on() != "host")) {
  CHECK(products_by().find("OpenBLAS") != std::string::npos);
}

TEST_CASE_TEMPLATE("a buffer holds zeros, and gives back what it was given", T, float, double,
                   std::int32_t) {
  Buffer<T> buffer(1001);
  std::vector<T> values(1001, T(1));
  to_host<T>(buffer.view(), values);
  CHECK(values == std::vector<T>(1001, T(0)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(3 * i);
  to_device<T>(values, buffer.view());
  Buffer<T> const moved = std::move(buffer);
  std::vector<T> back(1001);
  to_host<T>(moved.view(), back);
  CHECK(back == values);
  CHECK(buffer.size() == 0);
  CHECK(Buffer<T>(0).view().empty());
}
