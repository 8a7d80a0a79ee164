#include "quartic/io/tokens.hpp"

#include <algorithm>

namespace quartic::io {
namespace {

// Little-endian on every machine.
std::vector<Token> parse(std::string const& path, std::string const& bytes) {
  if (bytes.size() % 2 != 0) {
    usage_error("{}: has {} bytes; a file of tokens has 2 for each, and text no control bytes",
                path, bytes.size());
  }
  std::vector<Token> tokens;
  tokens.reserve(bytes.size() / 2);
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    auto const low = static_cast<unsigned char>(bytes[at]);
    auto const high = static_cast<unsigned char>(bytes[at + 1]);
    tokens.push_back(static_cast<Token>(low | high << 8));
  }
  return tokens;
}

class TokenReader final : public TypedReader<TokenReader> {
 public:
  TokenReader(std::string const& path, std::vector<Token> tokens, std::string checksum,
              GeneratedSize const& size)
      : sequence_(size.sequence), tokens_(std::move(tokens)) {
    shape_ = {rows_of_tokens(path, std::ssize(tokens_), sequence_), sequence_, std::move(checksum)};
    classes_ = size.vocabulary;
    if (classes_ == 0) {
      classes_ = 1 + *std::max_element(tokens_.begin(), tokens_.end());
    } else {
      check_below(path, classes_);
    }
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    return cut_tokens<T>(tokens_, sequence_, columns);
  }

 private:
  void check_below(std::string const& path, std::int64_t vocabulary) const {
    auto const beyond = std::find_if(tokens_.begin(), tokens_.end(),
                                     [&](Token const token) { return token >= vocabulary; });
    if (beyond == tokens_.end()) return;
    usage_error("{}: token {}, counted from 0, is {}; valid with --vocabulary {} are 0 to {}", path,
                beyond - tokens_.begin(), *beyond, vocabulary, vocabulary - 1);
  }

  std::int64_t sequence_;
  std::vector<Token> tokens_;
};

}  // namespace

std::int64_t rows_of_tokens(std::string const& path, std::int64_t count, std::int64_t sequence) {
  if (sequence < 1) usage_error("--sequence {}: valid is 1 or more", sequence);
  if (count < 2) {
    usage_error("{}: has {} tokens; valid are 2 or more: what is read and what comes next", path,
                count);
  }
  if (sequence >= count) {
    usage_error(
        "--sequence {}: {} has {} tokens, and a row needs one more than its length; valid "
        "is 1 to {}",
        sequence, path, count, count - 1);
  }
  return (count - 1) / sequence;
}

std::unique_ptr<Reader> open_tokens(std::string const& path, std::string const& bytes,
                                    std::string checksum, GeneratedSize const& size) {
  return std::make_unique<TokenReader>(path, parse(path, bytes), std::move(checksum), size);
}

}  // namespace quartic::io
