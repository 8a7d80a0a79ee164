#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Decides which of OpenBLAS's kernels a process computes with. Pure: `start_blas` (blas_start.hpp)
/// finds the facts and carries the decision out.
///
/// OpenBLAS chooses its kernels from the processor's model number. A library that is older than the
/// processor falls back to kernels of 2004, which are several times slower, and some of its kernels
/// give results that depend on where their operands lie in memory.
namespace quartic::compute {

/// The vector instructions of a processor, weakest first.
enum class InstructionSet : std::uint8_t { baseline, avx, avx2, avx512, avx512_bf16 };

/// What the check at start found of a kernel's products.
enum class Products : std::uint8_t {
  right,
  address_dependent,  ///< right, but their last bits depend on where the operands lie
  wrong,
  illegal  ///< they use an instruction that the processor lacks
};

/// A kernel that this start has left, and why: "slow", "missing", "wrong", "address-dependent",
/// "illegal".
struct LeftKernel {
  std::string name;
  std::string reason;
};

/// "Prescott:slow,Cooperlake:wrong" and back. What cannot be read is no list: empty.
std::string to_text(std::vector<LeftKernel> const& left);
std::vector<LeftKernel> left_kernels(std::string_view text);

/// What is known of the kernels before a decision.
struct KernelState {
  std::string kernel;         ///< the library computes with, by its own word
  std::string asked;          ///< OPENBLAS_CORETYPE; empty: unset
  bool is_selectable = true;  ///< the library holds kernels of several processors
  InstructionSet processor = InstructionSet::baseline;
  Products products = Products::right;
  std::vector<LeftKernel> left;  ///< in this start, in order; none: `asked` is the user's
  std::string library;           ///< for messages
};

struct KernelDecision {
  enum class Kind : std::uint8_t { keep, restart, refuse, fail };
  Kind kind = Kind::keep;
  std::string next;              ///< restart: the kernel to ask for
  std::vector<LeftKernel> left;  ///< restart: with the kernel that is left now
  std::string text;     ///< keep: how the kernel was chosen; refuse, fail: the error's line
  std::string warning;  ///< keep: a line for the user; empty: none
};

/// Keeps the kernel, or asks for the best one that has not been tried, or gives up. Every restart
/// adds one name to `left`, so a start ends after at most one restart a kernel.
///
/// A kernel that the user has set is kept, with a warning where it is slow or depends on addresses;
/// where it is wrong the decision is `fail`, where the processor lacks its instructions `refuse`
/// (the user's mistake).
KernelDecision decide(KernelState const& state);

}  // namespace quartic::compute
