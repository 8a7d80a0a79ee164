#include "quartic/io/tokens.hpp"

#include <algorithm>
#include <span>

#include "quartic/io/bytes.hpp"
#include "quartic/io/npy.hpp"

namespace quartic::io {
namespace {

// Little-endian on every machine.
Token number_at(std::string_view bytes, std::size_t begin, std::size_t width) {
  Token number = 0;
  for (std::size_t i = width; i-- > 0;) {
    number = number << 8 | static_cast<unsigned char>(bytes[begin + i]);
  }
  return number;
}

std::vector<Token> parse(std::string const& path, std::string_view bytes, int bits) {
  auto const width = static_cast<std::size_t>(bits / 8);
  if (bytes.size() % width != 0) {
    usage_error("{}: has {} bytes, not a whole number of {}-bit tokens", path, bytes.size(), bits);
  }
  std::vector<Token> tokens;
  tokens.reserve(bytes.size() / width);
  for (std::size_t at = 0; at < bytes.size(); at += width) {
    tokens.push_back(number_at(bytes, at, width));
  }
  return tokens;
}

class TokenReader final : public TypedReader<TokenReader> {
 public:
  TokenReader(FileBytes const& file, DataFacts facts, std::vector<Token> tokens,
              GeneratedSize const& size)
      : sequence_(size.sequence), tokens_(std::move(tokens)) {
    shape_ = {rows_of_tokens(file.path, std::ssize(tokens_), sequence_), sequence_,
              checksum_text(file.checksum)};
    facts_ = std::move(facts);
    facts_.kind = fmt::format("tokens of {} bits", facts_.token_bits);
    facts_.bytes = file.length;
    facts_.tokens = std::ssize(tokens_);
    check_below(file.path, largest_token + 1, "in float precision");
    classes_ = size.vocabulary;
    if (classes_ == 0) {
      classes_ = std::int64_t{1} + *std::max_element(tokens_.begin(), tokens_.end());
    } else {
      check_below(file.path, classes_, fmt::format("with --vocabulary {}", classes_));
    }
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    return cut_tokens<T>(tokens_, sequence_, columns);
  }

 private:
  void check_below(std::string const& path, std::int64_t end, std::string const& why) const {
    auto const beyond = std::find_if(tokens_.begin(), tokens_.end(),
                                     [&](Token const token) { return token >= end; });
    if (beyond == tokens_.end()) return;
    usage_error("{}: token {}, counted from 0, is {}; valid {}: 0 to {}", path,
                beyond - tokens_.begin(), *beyond, why, end - 1);
  }

  std::int64_t sequence_;
  std::vector<Token> tokens_;
};

// llm.c: 256 numbers of 32 bits, of which the first is a magic number and the third the number of
// tokens. The second magic number is that of its files of 32 bits.
constexpr std::size_t llmc_header_bytes = 1024;
constexpr std::array<Token, 2> llmc_magic{20240520, 20240801};

int llmc_bits(FileBytes const& file) {
  std::size_t const count = number_at(file.bytes, 8, 4);
  std::size_t const held = file.bytes.size() - llmc_header_bytes;
  bool const wide = number_at(file.bytes, 0, 4) == llmc_magic[1];
  if (held == 4 * count) return 32;
  if (held == 2 * count && !wide) return 16;
  usage_error("{}: its llm.c header declares {} tokens, but {} bytes follow; expected {}",
              file.path, count, held, (wide ? 4 : 2) * count);
}

}  // namespace

std::int64_t rows_of_tokens(std::string const& path, std::int64_t count, std::int64_t sequence) {
  if (sequence < 1) usage_error("--sequence {}: must be at least 1", sequence);
  if (count < 2) {
    usage_error("{}: has {} tokens; at least 2 are needed, an input and its target", path, count);
  }
  if (sequence >= count) {
    usage_error(
        "--sequence {}: {} has {} tokens, but a row needs one token more than its length; valid: 1 "
        "to {}",
        sequence, path, count, count - 1);
  }
  return (count - 1) / sequence;
}

std::unique_ptr<Reader> open_tokens(FileBytes const& file, int bits, GeneratedSize const& size) {
  return std::make_unique<TokenReader>(
      file, DataFacts{.format = fmt::format("tokens of {} bits", bits), .token_bits = bits},
      parse(file.path, file.bytes, bits), size);
}

bool begins_as_llmc(std::string_view bytes) {
  if (bytes.size() < 4) return false;
  return std::find(llmc_magic.begin(), llmc_magic.end(), number_at(bytes, 0, 4)) !=
         llmc_magic.end();
}

std::unique_ptr<Reader> open_llmc(FileBytes const& file, GeneratedSize const& size) {
  if (!begins_as_llmc(file.bytes) || file.bytes.size() < llmc_header_bytes) {
    usage_error(
        "{}: is not an llm.c file; such a file begins with a header of {} bytes, whose first "
        "number is {} or {}",
        file.path, llmc_header_bytes, llmc_magic[0], llmc_magic[1]);
  }
  int const bits = llmc_bits(file);
  std::string_view const rest = std::string_view(file.bytes).substr(llmc_header_bytes);
  return std::make_unique<TokenReader>(
      file, DataFacts{.format = fmt::format("llm.c tokens of {} bits", bits), .token_bits = bits},
      parse(file.path, rest, bits), size);
}

std::unique_ptr<Reader> open_npy_tokens(FileBytes const& file, GeneratedSize const& size) {
  NpyArray const array = parse_npy(file);
  int const bits = static_cast<int>(8 * array.width);
  if (!array.is_integer() || array.shape.size() != 1) {
    usage_error("{}: is a .npy array of {}; tokens must be a one-dimensional array of integers",
                file.path, array.description());
  }
  std::vector<Token> tokens;
  tokens.reserve(static_cast<std::size_t>(array.shape[0]));
  for (std::int64_t i = 0; i < array.shape[0]; ++i) {
    double const number = array.at(i);
    if (number < 0 || number > largest_token) {
      usage_error("{}: token {}, counted from 0, is {}; valid: 0 to {}", file.path, i, number,
                  largest_token);
    }
    tokens.push_back(static_cast<Token>(number));
  }
  return std::make_unique<TokenReader>(
      file, DataFacts{.format = fmt::format(".npy tokens of {} bits", bits), .token_bits = bits},
      std::move(tokens), size);
}

}  // namespace quartic::io
