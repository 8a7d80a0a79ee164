#include "quartic/compute/kernel_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace quartic::compute {
namespace {

/// Kernels of OpenBLAS. `speed` is that of float and double products: bfloat16 adds none, and Zen
/// is Haswell with other block sizes.
struct Kernel {
  std::string_view name;
  InstructionSet needs;
  int speed;
  bool is_candidate;
};

/// Candidates best first. Prescott and Barcelona are none: their dgemv depends on addresses.
constexpr std::array kernels{
    Kernel{"Cooperlake", InstructionSet::avx512_bf16, 3, true},
    Kernel{"SkylakeX", InstructionSet::avx512, 3, true},
    Kernel{"Haswell", InstructionSet::avx2, 2, true},
    Kernel{"Zen", InstructionSet::avx2, 2, true},
    Kernel{"Excavator", InstructionSet::avx2, 2, false},
    Kernel{"Sandybridge", InstructionSet::avx, 1, true},
    Kernel{"Bulldozer", InstructionSet::avx, 1, false},
    Kernel{"Piledriver", InstructionSet::avx, 1, false},
    Kernel{"Steamroller", InstructionSet::avx, 1, false},
    Kernel{"Nehalem", InstructionSet::baseline, 0, true},
    Kernel{"Prescott", InstructionSet::baseline, 0, false},
    Kernel{"Core2", InstructionSet::baseline, 0, false},
    Kernel{"Penryn", InstructionSet::baseline, 0, false},
    Kernel{"Dunnington", InstructionSet::baseline, 0, false},
    Kernel{"Atom", InstructionSet::baseline, 0, false},
    Kernel{"Nano", InstructionSet::baseline, 0, false},
    Kernel{"Opteron", InstructionSet::baseline, 0, false},
    Kernel{"Opteron_SSE3", InstructionSet::baseline, 0, false},
    Kernel{"Barcelona", InstructionSet::baseline, 0, false},
    Kernel{"Bobcat", InstructionSet::baseline, 0, false},
    Kernel{"Katmai", InstructionSet::baseline, 0, false},
    Kernel{"Coppermine", InstructionSet::baseline, 0, false},
    Kernel{"Northwood", InstructionSet::baseline, 0, false},
    Kernel{"Banias", InstructionSet::baseline, 0, false},
    Kernel{"Athlon", InstructionSet::baseline, 0, false},
};

/// Above every kernel that is listed: one of a later library, made for a later processor.
constexpr int unknown_speed = 99;

bool is_same(std::string_view a, std::string_view b) {
  auto const lower = [](char letter) { return std::tolower(static_cast<unsigned char>(letter)); };
  return std::ranges::equal(a, b, {}, lower, lower);
}

int speed_of(std::string_view name) {
  auto const* const found = std::ranges::find_if(
      kernels, [&](Kernel const& kernel) { return is_same(kernel.name, name); });
  return found == kernels.end() ? unknown_speed : found->speed;
}

bool was_left(KernelState const& state, std::string_view name) {
  return std::ranges::any_of(state.left,
                             [&](LeftKernel const& left) { return is_same(left.name, name); });
}

bool can_run(KernelState const& state, Kernel const& kernel) {
  return kernel.is_candidate && kernel.needs <= state.processor;
}

/// The best kernel for this processor, tried or not.
Kernel const& best_for(KernelState const& state) {
  return *std::ranges::find_if(kernels,
                               [&](Kernel const& kernel) { return can_run(state, kernel); });
}

/// The best one that may still be asked for; null: none.
Kernel const* next_candidate(KernelState const& state) {
  auto const* const found = std::ranges::find_if(kernels, [&](Kernel const& kernel) {
    return can_run(state, kernel) && !was_left(state, kernel.name) &&
           !is_same(kernel.name, state.kernel) && !is_same(kernel.name, state.asked);
  });
  return found == kernels.end() ? nullptr : &*found;
}

/// Why the products of this kernel are not to be had.
std::string reason_of(Products products) {
  switch (products) {
    case Products::right:
      return "slow";
    case Products::address_dependent:
      return "address-dependent";
    case Products::wrong:
      return "wrong";
    case Products::illegal:
      return "illegal";
  }
  return {};
}

/// Completes a sentence that begins "Its kernels for NAME …".
std::string fault_of(std::string_view reason) {
  if (reason == "missing") return "are missing";
  if (reason == "wrong") return "compute wrong products";
  if (reason == "illegal") return "need instructions that this processor lacks";
  if (reason == "address-dependent") return "give results that depend on memory addresses";
  return "are slow";
}

bool is_slow(KernelState const& state) {
  return speed_of(state.kernel) < best_for(state).speed;
}

KernelDecision restart(KernelState const& state, std::string_view next) {
  KernelDecision decision{.kind = KernelDecision::Kind::restart, .next = std::string(next)};
  decision.left = state.left;
  bool const was_ignored = !state.left.empty() && !is_same(state.asked, state.kernel);
  if (was_ignored) decision.left.push_back({state.asked, "missing"});
  if (!was_ignored || state.products != Products::right)
    decision.left.push_back({state.kernel, reason_of(state.products)});
  return decision;
}

KernelDecision fail(KernelState const& state) {
  return {.kind = KernelDecision::Kind::fail,
          .text = fmt::format("{}: its kernels for {} {}, and no others are left; install another "
                              "version of the library, or another BLAS",
                              state.library, state.kernel, fault_of(reason_of(state.products)))};
}

/// The kernels that were left, as a clause.
std::string history(KernelState const& state) {
  std::string text;
  for (LeftKernel const& left : state.left) {
    text += fmt::format("{}{} ({})", text.empty() ? "in place of " : ", ", left.name, left.reason);
  }
  return text;
}

/// A replacement for speed alone is no news; one for wrong or address-dependent products is.
std::string replacement_warning(KernelState const& state) {
  auto const faulty = std::ranges::find_if(state.left, [](LeftKernel const& left) {
    return left.reason != "slow" && left.reason != "missing";
  });
  if (faulty == state.left.end()) return {};
  return fmt::format("{}: its kernels for {} {}; using those for {}", state.library, faulty->name,
                     fault_of(faulty->reason), state.kernel);
}

/// A kernel that cannot be exchanged: the user's choice, or the library's only one.
KernelDecision judge(KernelState const& state) {
  bool const is_users = !state.asked.empty() && state.is_selectable;
  std::string const name = is_users ? "OPENBLAS_CORETYPE=" + state.asked
                                    : state.library + ", kernels for " + state.kernel;
  KernelDecision decision{.text = is_users ? "set by OPENBLAS_CORETYPE" : "the library's own"};
  if (state.products == Products::wrong || state.products == Products::illegal) {
    if (!is_users) return fail(state);
    decision.text = fmt::format("{}: these kernels of {} {}; unset the variable", name,
                                state.library, fault_of(reason_of(state.products)));
    decision.kind = KernelDecision::Kind::fail;
    if (state.products == Products::illegal) {
      decision.kind = KernelDecision::Kind::refuse;
      decision.text += fmt::format(", or set {}", best_for(state).name);
    }
  } else if (state.products == Products::address_dependent) {
    decision.warning = fmt::format("{}: these kernels {}, so results are not bitwise reproducible",
                                   name, fault_of("address-dependent"));
  } else if (is_users && !is_same(state.asked, state.kernel)) {
    decision.warning = fmt::format("{}: {} has no such kernels; using those for {}", name,
                                   state.library, state.kernel);
  } else if (is_slow(state)) {
    decision.warning = fmt::format(
        "{}: these kernels are slow here; the fastest for this processor "
        "are those for {}",
        name, best_for(state).name);
  }
  return decision;
}

}  // namespace

std::string to_text(std::vector<LeftKernel> const& left) {
  std::string text;
  for (auto const& [name, reason] : left)
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", name, reason);
  return text;
}

std::vector<LeftKernel> left_kernels(std::string_view text) {
  std::vector<LeftKernel> left;
  while (!text.empty()) {
    std::string_view const entry = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    auto const colon = entry.find(':');
    if (colon == std::string_view::npos) return {};
    left.push_back({std::string(entry.substr(0, colon)), std::string(entry.substr(colon + 1))});
  }
  return left;
}

KernelDecision decide(KernelState const& state) {
  bool const is_users = !state.asked.empty() && state.left.empty();
  if (is_users || !state.is_selectable) return judge(state);
  Kernel const* const next = next_candidate(state);
  bool const is_good = state.products == Products::right;
  if (next != nullptr && (!is_good || next->speed > speed_of(state.kernel)))
    return restart(state, next->name);
  if (!is_good) return fail(state);
  KernelDecision decision{.text = state.left.empty() ? "chosen by the library" : history(state),
                          .warning = replacement_warning(state)};
  if (decision.warning.empty() && is_slow(state)) {
    decision.warning = fmt::format(
        "{}: its kernels for {} are slow here, and it has no faster kernels that compute correctly",
        state.library, state.kernel);
  }
  return decision;
}

}  // namespace quartic::compute
