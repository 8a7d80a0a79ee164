#include <array>

#include "quartic/io/bytes.hpp"
#include "quartic/io/tokens.hpp"

namespace quartic::io {
namespace {

std::size_t number_of(char letter) {
  return static_cast<unsigned char>(letter);
}

// The distinct bytes of a text, ascending.
std::string distinct_bytes(std::string_view text) {
  std::array<bool, 256> occurs{};
  for (char const letter : text) occurs[number_of(letter)] = true;
  std::string distinct;
  for (std::size_t byte = 0; byte < occurs.size(); ++byte) {
    if (occurs[byte]) distinct += static_cast<char>(byte);
  }
  return distinct;
}

// Tokens are bytes rather than characters: any file can be read, and none of them is too many.
class TextReader final : public TypedReader<TextReader> {
 public:
  TextReader(FileBytes const& file, GeneratedSize const& size) : sequence_(size.sequence) {
    std::string_view const text = without_mark(file.bytes);
    std::string const& path = file.path;
    shape_ = {rows_of_tokens(path, std::ssize(text), sequence_), sequence_,
              checksum_text(file.checksum)};
    facts_ = {.format = "text", .kind = "text", .bytes = file.length, .tokens = std::ssize(text)};
    vocabulary_ = size.bytes.empty() ? distinct_bytes(text) : size.bytes;
    require_known(path, text);
    classes_ = std::ssize(vocabulary_);
    if (size.vocabulary != 0) enlarge(path, size.vocabulary);
    std::array<Token, 256> token{};
    for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
      token[number_of(vocabulary_[i])] = static_cast<Token>(i);
    }
    tokens_.reserve(text.size());
    for (char const letter : text) tokens_.push_back(token[number_of(letter)]);
  }

  template <class T>
  Dataset<T> read(Part columns) const {
    return cut_tokens<T>(tokens_, sequence_, columns);
  }

 private:
  void require_known(std::string const& path, std::string_view text) const {
    std::size_t const place = text.find_first_not_of(vocabulary_);
    if (place == std::string_view::npos) return;
    usage_error(
        "{}: byte {} at position {} is not among the {} distinct bytes of the training data", path,
        number_of(text[place]), place, vocabulary_.size());
  }

  void enlarge(std::string const& path, std::int64_t vocabulary) {
    if (vocabulary < classes_) {
      usage_error("--vocabulary {}: {} has {} distinct bytes; must be at least {}, or 0",
                  vocabulary, path, classes_, classes_);
    }
    classes_ = vocabulary;
  }

  std::int64_t sequence_;
  std::vector<Token> tokens_;
};

}  // namespace

std::unique_ptr<Reader> open_text(FileBytes const& file, GeneratedSize const& size) {
  return std::make_unique<TextReader>(file, size);
}

}  // namespace quartic::io
