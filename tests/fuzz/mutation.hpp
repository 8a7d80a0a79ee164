#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace quartic::fuzz {

/// Files as chance and malice leave them: bits flipped, numbers (of length fields, of text) turned
/// into extreme ones, pieces cut, doubled, moved, taken from another file. Case `number` of a
/// seed's bytes is the same on every machine.
class Mutator {
 public:
  /// `seeds`: what pieces are taken from.
  Mutator(std::vector<std::string> const& seeds, std::uint64_t number);

  /// One mutation in three is a truncation and nothing else; else up to four of any kind.
  std::string mutate(std::string bytes);

 private:
  using Kind = void (Mutator::*)(std::string&);
  std::size_t below(std::size_t end);
  void flip_bit(std::string& bytes);
  void set_byte(std::string& bytes);
  void set_number(std::string& bytes);
  void set_digits(std::string& bytes);
  void truncate(std::string& bytes);
  void remove(std::string& bytes);
  void repeat(std::string& bytes);
  void exchange(std::string& bytes);
  void splice(std::string& bytes);

  std::vector<std::string> const& seeds_;
  std::mt19937_64 random_;
};

}  // namespace quartic::fuzz
