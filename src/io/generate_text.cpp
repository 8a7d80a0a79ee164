#include <array>

#include "quartic/core/random.hpp"
#include "quartic/io/tokens.hpp"

namespace quartic::io {
namespace {

// Streams of the data's own seed, after those of generate_images.cpp.
constexpr std::uint64_t seed = 0;
constexpr std::uint32_t successors_index = 6;
constexpr std::uint32_t row_index = 7;

constexpr std::int64_t default_vocabulary = 64;

// What may follow a symbol, the likeliest first.
using Successors = std::array<Token, 4>;

// The last successor is the next symbol, so that every symbol comes up again and again.
std::vector<Successors> draw_successors(std::int64_t vocabulary) {
  auto const symbols = static_cast<std::uint64_t>(vocabulary);
  std::vector<Successors> table(symbols);
  for (std::uint64_t symbol = 0; symbol < symbols; ++symbol) {
    Stream stream(seed, StreamName::data, successors_index, symbol);
    for (Token& next : table[symbol]) next = static_cast<Token>(stream.below(symbols));
    table[symbol].back() = static_cast<Token>((symbol + 1) % symbols);
  }
  return table;
}

// 0, 1, 2, 3 with the probabilities 1/2, 1/4, 1/8, 1/8.
std::size_t draw_place(Stream& stream) {
  std::uint64_t const eighth = stream.below(8);
  if (eighth < 4) return 0;
  return eighth < 6 ? 1 : eighth - 4;
}

// A Markov chain of order 1. A model that knows the table has the loss (7/4) ln 2 = 1.21, less
// where a symbol has a successor twice; one that knows nothing has ln V.
class TextGenerator final : public TypedReader<TextGenerator> {
 public:
  explicit TextGenerator(GeneratedSize const& size) {
    classes_ = size.vocabulary;
    facts_ = {.format = "generate:text",
              .kind = "generated symbols",
              .tokens = size.rows * size.sequence + 1};
    shape_ = {size.rows, size.sequence,
              fmt::format("generate:text rows={} sequence={} vocabulary={}", size.rows,
                          size.sequence, size.vocabulary)};
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    return cut_tokens<T>(tokens(), shape_.features, columns);
  }

 private:
  // One chain over all rows, though every row has a stream of its own: more rows have the same
  // beginning.
  std::vector<Token> tokens() const {
    auto const table = draw_successors(classes_);
    std::vector<Token> tokens{0};
    tokens.reserve(static_cast<std::size_t>(shape_.rows * shape_.features + 1));
    for (std::int64_t row = 0; row < shape_.rows; ++row) {
      Stream stream(seed, StreamName::data, row_index, static_cast<std::uint64_t>(row));
      for (std::int64_t i = 0; i < shape_.features; ++i) {
        tokens.push_back(table[tokens.back()][draw_place(stream)]);
      }
    }
    return tokens;
  }
};

}  // namespace

std::unique_ptr<Reader> open_generated_text(GeneratedSize size) {
  constexpr std::int64_t most = 1 << 16;
  if (size.vocabulary == 0) size.vocabulary = default_vocabulary;
  if (size.vocabulary < 2 || size.vocabulary > most) {
    usage_error("--vocabulary {}: for generate:text it must be from 2 to {}, or 0 for {}",
                size.vocabulary, most, default_vocabulary);
  }
  return std::make_unique<TextGenerator>(size);
}

}  // namespace quartic::io
