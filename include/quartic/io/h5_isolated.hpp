#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

namespace quartic::io::h5 {

/// The bytes that `work` returns, or the UsageError or Failure that it throws, from a child
/// process.
///
/// Some damaged files crash HDF5 or keep it busy for ever, and nothing tells beforehand: so what
/// users bring is never opened by the process that trains. UsageError, naming `file`, where reading
/// it ends the child: by a signal, or because it takes far longer than a file of its size can.
/// Failure where there is no child. The caller waits; `work` does no more than read `file`, and
/// files beside it that have `other_bytes`.
std::string isolated_bytes(std::filesystem::path const& file,
                           std::function<std::string()> const& work,
                           std::uintmax_t other_bytes = 0);

/// The same of numbers: `work` returns a std::vector of them.
template <class Work>
auto isolated(std::filesystem::path const& file, Work const& work) {
  using Numbers = decltype(work());
  using Number = typename Numbers::value_type;
  static_assert(std::is_trivially_copyable_v<Number>);
  std::string const bytes = isolated_bytes(file, [&] {
    Numbers const numbers = work();
    return std::string(reinterpret_cast<char const*>(numbers.data()),
                       numbers.size() * sizeof(Number));
  });
  Numbers numbers(bytes.size() / sizeof(Number));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

}  // namespace quartic::io::h5
