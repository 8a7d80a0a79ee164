#include "quartic/compute/blas_start.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "host.hpp"
#include "quartic/compute/blas.hpp"
#include "quartic/compute/products_check.hpp"
#include "quartic/core/check.hpp"
#include "quartic/core/memory.hpp"

namespace quartic::compute {
namespace {

constexpr char const* kernel_variable = "OPENBLAS_CORETYPE";
/// Tells the program that is started again which kernels it has left; it removes the variable.
constexpr char const* left_variable = "QUARTIC_LEFT_KERNELS";

/// Holds the decision of start_blas.
KernelDecision& decided() {
  static KernelDecision decision{.text = "not checked"};
  return decision;
}

std::string from_environment(char const* name) {
  char const* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

KernelState current_state() {
  KernelState state{.kernel = blas_core(),
                    .asked = from_environment(kernel_variable),
                    .is_selectable = blas_has_several_kernels(),
                    .processor = instruction_set(),
                    .left = left_kernels(from_environment(left_variable)),
                    .library = blas_library()};
  unsetenv(left_variable);
  return state;
}

/// The work space of one thread: OpenBLAS 0.3.21 takes a little more than 128 MiB on x86-64.
constexpr std::size_t work_space_bytes = std::size_t{136} << 20;

/// Whether the threads, which OpenBLAS has made when it was loaded, can have their work space.
/// Where they cannot, OpenBLAS asks for it for ever.
bool has_work_space(int threads) {
  std::size_t const bytes = static_cast<std::size_t>(threads) * work_space_bytes;
  int const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* const memory = mmap(nullptr, bytes, PROT_NONE, flags, -1, 0);
  if (memory == MAP_FAILED) return false;
  munmap(memory, bytes);
  return true;
}

/// Takes this thread's work space now, while there is room: a product that is not so small that
/// OpenBLAS does without.
void take_work_space() {
  constexpr std::int64_t side = 128;
  std::vector<double> const zeros(side * side);
  std::vector<double> product(side * side);
  ConstMatrix<double> const factor{zeros.data(), side, side};
  QUARTIC_HOST_KERNELS::gemm<double>(1, factor, factor, 0, {product.data(), side, side});
}

/// Returns only where the program cannot be started again, with errno.
void start_again(char** words, KernelDecision const& decision) {
  // The name, because a tool such as valgrind shows its own file under /proc/self/exe to the
  // kernel.
  char program[PATH_MAX + 1] = {};
  if (readlink("/proc/self/exe", program, PATH_MAX) < 0) return;
  setenv(kernel_variable, decision.next.c_str(), 1);
  setenv(left_variable, to_text(decision.left).c_str(), 1);
  execv(program, words);
  unsetenv(left_variable);
}

}  // namespace

#if defined(__x86_64__)
InstructionSet instruction_set() {
  if (__builtin_cpu_supports("avx512bf16")) return InstructionSet::avx512_bf16;
  // What OpenBLAS compiles its kernels of that name with.
  bool const has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd");
  if (has_avx512) return InstructionSet::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return InstructionSet::avx2;
  return __builtin_cpu_supports("avx") ? InstructionSet::avx : InstructionSet::baseline;
}
#else
InstructionSet instruction_set() {
  return InstructionSet::baseline;
}
#endif

void start_blas(char** words) {
  KernelState state = current_state();
  int const threads = blas_threads();
  set_blas_threads(1);
  if (!has_work_space(threads)) {
    decided() = {.kind = KernelDecision::Kind::fail,
                 .text = fmt::format("{}: out of memory: the workspace of {} threads needs {} "
                                     "bytes; {}; OPENBLAS_NUM_THREADS=1 needs the least",
                                     state.library, threads,
                                     static_cast<std::size_t>(threads) * work_space_bytes,
                                     tightest_memory_limit())};
    return;
  }
  KernelDecision decision = decide(state);
  // A kernel that is left for a faster one need not be right.
  if (decision.kind == KernelDecision::Kind::keep) {
    state.products = check_products();
    decision = decide(state);
  }
  if (decision.kind == KernelDecision::Kind::keep) take_work_space();
  if (decision.kind == KernelDecision::Kind::restart) {
    start_again(words, decision);
    decision.kind = KernelDecision::Kind::fail;
    decision.text =
        fmt::format("{} cannot restart itself with OpenBLAS's kernels for {} ({}); set {}={}",
                    words[0], decision.next, std::strerror(errno), kernel_variable, decision.next);
  }
  decided() = decision;
}

void require_blas() {
  KernelDecision const& decision = decided();
  if (decision.kind == KernelDecision::Kind::refuse) usage_error("{}", decision.text);
  if (decision.kind == KernelDecision::Kind::fail) failure("{}", decision.text);
}

std::string blas_choice() {
  return decided().text;
}

std::string blas_warning() {
  return decided().warning;
}

}  // namespace quartic::compute
