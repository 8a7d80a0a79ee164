#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "offload_memory.hpp"
#include "quartic/compute/activation.hpp"
#include "quartic/compute/buffer.hpp"
#include "quartic/compute/device.hpp"
#include "quartic/compute/gemm.hpp"
#include "quartic/compute/sparse.hpp"
#include "quartic/compute/vector.hpp"

using namespace quartic;
using namespace quartic::compute;

namespace {

// The signal that ends a process that does this; 0 when it ends by itself.
template <class Act>
int signal_of(Act act) {
  pid_t const child = fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);  // doctest's handler would report a failed test
    act();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

bool host_stands_in() {
  return device_count() == 0;
}

}  // namespace

TEST_CASE("code of the host that touches a device's memory faults" *
          doctest::skip(!host_stands_in())) {
  Buffer<float> buffer(10);
  auto const view = buffer.view();
  CHECK(signal_of([&] { view[3] = 1; }) == SIGSEGV);
  CHECK(signal_of([&] { static_cast<void>(*const_cast<float volatile*>(&view[3])); }) == SIGSEGV);
  fill<float>(2, view);
  CHECK(signal_of([&] { view[3] = 1; }) == SIGSEGV);  // after a kernel too
  CHECK(signal_of([&] { fill<float>(2, view); }) == 0);
}

TEST_CASE("a kernel that leaves its buffer faults" * doctest::skip(!host_stands_in())) {
  Buffer<float> buffer(16);
  OpenMemory const open;
  CHECK(signal_of([&] { buffer.view().data()[15] = 1; }) == 0);
  CHECK(signal_of([&] { buffer.view().data()[16] = 1; }) == SIGSEGV);
}

TEST_CASE("a kernel of the device refuses memory of the host, whatever the operand" *
          doctest::skip(!host_stands_in())) {
  Buffer<float> buffer(64);
  auto const there = buffer.view();
  std::vector<float> here(64, 1);
  std::vector<std::int64_t> const row_begin{0, 1};
  CHECK_THROWS_AS(relu_forward<float>(here, there), Failure);
  CHECK_THROWS_AS(relu_forward<float>(there, here), Failure);
  CHECK_THROWS_AS(
      gemm<float>(1, {here.data(), 8, 8}, {there.data(), 8, 8}, 0, {there.data(), 8, 8}), Failure);
  CHECK_THROWS_AS(
      gemm<float>(1, {there.data(), 8, 8}, {there.data(), 8, 8}, 0, {here.data(), 8, 8}), Failure);
  // One row too many of a matrix that begins where it should.
  CHECK_THROWS_AS(fill_rows<float>(there.first(8), {there.data(), 9, 8}), Failure);
  CompressedRows<float> const sparse{1, 1, row_begin.data(), nullptr, nullptr};
  CHECK_THROWS_AS(spmv_add<float>(sparse, there.first(1), there.first(1)), Failure);
}
