#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "quartic/compute/kernel_choice.hpp"

using namespace quartic::compute;
using Kind = KernelDecision::Kind;

namespace {

KernelState chosen_by_library(std::string const& kernel, InstructionSet processor) {
  return {.kernel = kernel, .processor = processor, .library = "OpenBLAS 9 (libfake.so)"};
}

KernelState set_by_user(std::string const& kernel, InstructionSet processor) {
  KernelState state = chosen_by_library(kernel, processor);
  state.asked = kernel;
  return state;
}

// The program as it is started again: `kernel` is what the library then computes with.
KernelState after(KernelDecision const& decision, KernelState state, std::string const& kernel) {
  REQUIRE(decision.kind == Kind::restart);
  state.asked = decision.next;
  state.left = left_kernels(to_text(decision.left));
  state.kernel = kernel;
  state.products = Products::right;
  return state;
}

}  // namespace

TEST_CASE("a kernel that suits the processor is kept, without a word") {
  using enum InstructionSet;
  for (auto const& [kernel, processor] : {std::pair{"Nehalem", baseline},
                                          {"Sandybridge", avx},
                                          {"Haswell", avx2},
                                          {"Zen", avx2},
                                          {"SkylakeX", avx512},
                                          {"Cooperlake", avx512_bf16},
                                          {"SkylakeX", avx512_bf16},
                                          {"SapphireRapids", avx512_bf16},
                                          {"SKYLAKEX", avx512}}) {
    CAPTURE(kernel);
    KernelDecision const decision = decide(chosen_by_library(kernel, processor));
    CHECK(decision.kind == Kind::keep);
    CHECK(decision.text == "chosen by the library");
    CHECK(decision.warning.empty());
  }
}

TEST_CASE("a processor that the library does not know gets the kernels that it can run") {
  using enum InstructionSet;
  for (auto const& [processor, best] : {std::pair{avx, "Sandybridge"},
                                        {avx2, "Haswell"},
                                        {avx512, "SkylakeX"},
                                        {avx512_bf16, "Cooperlake"}}) {
    CAPTURE(best);
    KernelState const state = chosen_by_library("Prescott", processor);
    KernelDecision const first = decide(state);
    CHECK(first.next == best);
    KernelDecision const second = decide(after(first, state, best));
    CHECK(second.kind == Kind::keep);
    CHECK(second.text == "in place of Prescott (slow)");
    CHECK(second.warning.empty());
  }
}

TEST_CASE("a kernel that the library lacks is asked for once") {
  KernelState state = chosen_by_library("Prescott", InstructionSet::avx512_bf16);
  KernelDecision decision = decide(state);
  CHECK(decision.next == "Cooperlake");
  state = after(decision, state, "Prescott");
  decision = decide(state);
  CHECK(decision.next == "SkylakeX");
  state = after(decision, state, "SkylakeX");
  CHECK(decide(state).kind == Kind::keep);
  CHECK(decide(state).text == "in place of Prescott (slow), Cooperlake (missing)");
}

TEST_CASE("a start ends after at most one restart a kernel, whatever is wrong") {
  for (Products const products : {Products::right, Products::wrong, Products::address_dependent}) {
    KernelState state = chosen_by_library("Prescott", InstructionSet::avx512_bf16);
    std::vector<std::string> asked;
    KernelDecision decision;
    while (true) {
      decision = decide(state);
      if (decision.kind == Kind::keep) {
        state.products = products;
        decision = decide(state);
      }
      if (decision.kind != Kind::restart) break;
      CHECK(std::find(asked.begin(), asked.end(), decision.next) == asked.end());
      asked.push_back(decision.next);
      REQUIRE(asked.size() <= 10);
      state = after(decision, state, "Prescott");  // it has no other kernel
    }
    CHECK(decision.kind == (products == Products::right ? Kind::keep : Kind::fail));
    CHECK(decision.warning.empty() == (products != Products::right));
  }
}

TEST_CASE(
    "a kernel that is wrong, or depends on addresses, is replaced by the next with one line") {
  for (auto const& [products, reason, words] :
       {std::tuple{Products::wrong, "wrong", "compute wrong products"},
        {Products::address_dependent, "address-dependent", "depend on memory addresses"},
        {Products::illegal, "illegal", "need instructions that this processor lacks"}}) {
    KernelState state = chosen_by_library("SkylakeX", InstructionSet::avx512);
    state.products = products;
    KernelDecision const first = decide(state);
    CHECK(first.next == "Haswell");
    KernelDecision const second = decide(after(first, state, "Haswell"));
    CHECK(second.kind == Kind::keep);
    CHECK(second.text == fmt::format("in place of SkylakeX ({})", reason));
    CHECK(second.warning.find(words) != std::string::npos);
    CHECK(second.warning.find("using those for Haswell") != std::string::npos);
  }
}

TEST_CASE("where no kernel is right the start fails and names the library") {
  KernelState state = chosen_by_library("Nehalem", InstructionSet::baseline);
  state.products = Products::wrong;
  KernelDecision const decision = decide(state);
  CHECK(decision.kind == Kind::fail);
  CHECK(decision.text.find("OpenBLAS 9 (libfake.so)") == 0);
}

TEST_CASE("the user's kernel is kept: a slow one with a line, a wrong one not at all") {
  KernelState state = set_by_user("Haswell", InstructionSet::avx512);
  CHECK(decide(state).kind == Kind::keep);
  CHECK(decide(state).text == "set by OPENBLAS_CORETYPE");
  CHECK(decide(state).warning.find("slow here; the fastest for this processor are those for "
                                   "SkylakeX") != std::string::npos);
  state.products = Products::address_dependent;
  CHECK(decide(state).kind == Kind::keep);
  CHECK(decide(state).warning.find("not bitwise reproducible") != std::string::npos);
  state.products = Products::wrong;
  CHECK(decide(state).kind == Kind::fail);
  state.products = Products::illegal;
  CHECK(decide(state).kind == Kind::refuse);
  state = set_by_user("SkylakeX", InstructionSet::avx512);
  CHECK(decide(state).warning.empty());
  state.asked = "skylakex";
  CHECK(decide(state).warning.empty());
  state.asked = "Skylark";
  CHECK(decide(state).warning.find("has no such kernels; using those for SkylakeX") !=
        std::string::npos);
}

TEST_CASE("a library with kernels for one processor is kept as it is, and checked") {
  KernelState state{.kernel = "unknown", .is_selectable = false, .library = "libblas.so.3"};
  CHECK(decide(state).kind == Kind::keep);
  CHECK(decide(state).warning.empty());
  state.products = Products::address_dependent;
  CHECK(decide(state).warning.find("libblas.so.3") == 0);
  state.products = Products::wrong;
  CHECK(decide(state).kind == Kind::fail);
  state = chosen_by_library("Prescott", InstructionSet::avx2);
  state.is_selectable = false;
  CHECK(decide(state).warning.find("are slow here") != std::string::npos);
}

TEST_CASE("the list of kernels that were left survives the restart; what is no list is none") {
  std::vector<LeftKernel> const left{{"Prescott", "slow"}, {"Cooperlake", "missing"}};
  CHECK(to_text(left) == "Prescott:slow,Cooperlake:missing");
  CHECK(to_text(left_kernels(to_text(left))) == to_text(left));
  CHECK(left_kernels("").empty());
  CHECK(left_kernels("nonsense").empty());
}
