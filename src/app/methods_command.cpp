#include <fmt/core.h>

#include "quartic/app/commands.hpp"
#include "quartic/core/check.hpp"
#include "quartic/method/registry.hpp"

namespace quartic::app {
namespace {

void print_row(std::string_view name, std::string_view order, std::string_view staleness,
               std::string_view drift, std::string_view copies, std::string_view activations,
               std::string_view bubble, std::string_view reference) {
  fmt::print("{:<16} {:<32} {:<18} {:<18} {:<7} {:<12} {:<24} {}\n", name, order, staleness, drift,
             copies, activations, bubble, reference);
}

}  // namespace

int methods_command(comm::Communicator& communicator, std::vector<std::string> const& arguments) {
  if (!arguments.empty()) usage_error("quartic methods takes no arguments");
  if (communicator.rank() != 0) return 0;
  print_row("name", "order", "staleness", "drift", "copies", "activations", "bubble", "reference");
  for (method::Method const& method : method::all_methods()) {
    print_row(method.name, method.order, method.staleness, method.drift, method.copies,
              method.activations, method.bubble, method.reference);
  }
  fmt::print(
      "\nsteady state at stage s = 0..S-1; copies of the weights and activations are counted a "
      "stage\n");
  return 0;
}

}  // namespace quartic::app
