// The main of tests under MPI. All ranks run all cases in the same order; rank 0 reports, the
// others only when they have failed; every rank exits with the same code. Where one rank leaves a
// case early (a failed REQUIRE, an escaped exception) its peers would wait for it forever: so it
// says what failed and aborts the job.
#define DOCTEST_CONFIG_IMPLEMENT
// The SIGTERM that ends the other ranks after an abort is no failure of theirs.
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#include <doctest/doctest.h>
#include <mpi.h>

#include <cstdio>
#include <sstream>
#include <string>

#include "support/count_cases.hpp"
#include "support/ranks.hpp"
#include "support/start.hpp"

namespace quartic::test {

int rank_count() {
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

int this_rank() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

void require_ranks(int ranks) {
  int const actual = rank_count();
  REQUIRE_MESSAGE(actual == ranks, "this test needs ", ranks, " ranks and has ", actual);
}

}  // namespace quartic::test

namespace {

/// A single rank has nobody to strand, and goes on with its next case.
void abort_job(std::string const& what) {
  if (quartic::test::rank_count() == 1) return;
  std::fprintf(stderr, "rank %d: %s\n", quartic::test::this_rank(), what.c_str());
  std::fflush(stderr);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

struct AbortOnEarlyEnd final : QuietListener {
  using QuietListener::QuietListener;
  std::string name;

  void test_case_start(doctest::TestCaseData const& data) override { name = data.m_name; }
  void test_case_exception(doctest::TestCaseException const& error) override {
    abort_job(name + ": " + error.error_string.c_str());
  }
  void log_assert(doctest::AssertData const& data) override {
    if (!data.m_failed || (data.m_at & doctest::assertType::is_require) == 0) return;
    std::ostringstream text;
    text << name << ": REQUIRE failed at " << data.m_file << ':' << data.m_line << ": "
         << data.m_expr << " (" << (data.m_threw ? data.m_exception : data.m_decomp) << ')';
    abort_job(text.str());
  }
};
REGISTER_LISTENER("abort_on_early_end", 2, AbortOnEarlyEnd);

}  // namespace

int main(int argc, char** argv) {
  if (start_products != nullptr) start_products(argv);
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
  bool const first = quartic::test::this_rank() == 0;

  doctest::Context context;
  context.setOption("rand-seed", 1);     // --order-by=rand must be the same order on every rank
  context.setOption("no-colors", true);  // mpirun gives rank 0 a terminal, the others a pipe
  context.applyCommandLine(argc, argv);
  std::ostringstream silent;
  if (!first) context.setCout(&silent);

  int result = context.run();
  if (!first && result != 0) {
    std::fprintf(stderr, "rank %d:\n%s\n", quartic::test::this_rank(), silent.str().c_str());
  }
  if (!context.shouldExit() && CountCases::selected == 0) {
    if (first) std::fputs("no test case was selected\n", stderr);
    result = 1;
  }
  MPI_Allreduce(MPI_IN_PLACE, &result, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return result;
}
