#include <algorithm>
#include <array>

#include "quartic/core/check.hpp"
#include "quartic/io/format.hpp"
#include "quartic/io/reader.hpp"

namespace quartic::io {
namespace {

using namespace std::string_view_literals;

/// A format that quartic does not read.
struct Foreign {
  std::string_view signature;
  char const* name;
  char const* advice;
  std::size_t begin = 0;
  bool weak = false;  ///< tokens may begin like this
};

constexpr char const* decompress = "decompress it first";
constexpr char const* unpack = "unpack it first";
constexpr char const* convert = "valid for tokens: text, .npy, llm.c files";
constexpr char const* recode = "convert it to UTF-8 first, for example with iconv";

// In this order: the mark of UTF-32 begins as that of UTF-16.
constexpr std::array foreign_formats{
    Foreign{"\xfd\x37zXZ\0"sv, "compressed with xz", decompress},
    Foreign{"BZh"sv, "compressed with bzip2", decompress},
    Foreign{"\x28\xb5\x2f\xfd"sv, "compressed with zstd", decompress},
    Foreign{"\x04\x22\x4d\x18"sv, "compressed with lz4", decompress},
    Foreign{"PK\3\4"sv, "a zip archive (.npz too)", unpack},
    Foreign{"PK\5\6"sv, "a zip archive", unpack},
    Foreign{"7z\xbc\xaf\x27\x1c"sv, "a 7z archive", unpack},
    Foreign{"ustar"sv, "a tar archive", unpack, 257},
    Foreign{"PAR1"sv, "a Parquet file", convert},
    Foreign{"ARROW1"sv, "an Arrow file", convert},
    Foreign{"MATLAB 5.0 MAT-file"sv, "a MATLAB file of version 5", "save it with -v7.3"},
    Foreign{"SQLite format 3\0"sv, "an SQLite database", convert},
    Foreign{"%PDF-"sv, "a PDF document", convert},
    Foreign{"\x89PNG\r\n\x1a\n"sv, "a PNG image", "valid for images: IDX, CIFAR, HDF5, .npy"},
    Foreign{"\xff\xd8\xff"sv, "a JPEG image", "valid for images: IDX, CIFAR, HDF5, .npy"},
    Foreign{"\x7f"
            "ELF"sv,
            "a program", "valid: HDF5, .npy, IDX, CIFAR, LIBSVM, CSV, text"},
    Foreign{"\xff\xfe\0\0"sv, "text in UTF-32", recode, 0, true},
    Foreign{"\0\0\xfe\xff"sv, "text in UTF-32", recode, 0, true},
    Foreign{"\xff\xfe"sv, "text in UTF-16", recode, 0, true},
    Foreign{"\xfe\xff"sv, "text in UTF-16", recode, 0, true}};

bool is_printable(std::string_view signature) {
  return std::ranges::all_of(signature, [](char letter) { return letter >= ' ' && letter <= '~'; });
}

/// A text may begin with the letters of a signature.
void refuse_foreign(std::string const& path, std::string_view bytes, bool numbers) {
  bool const reads_as_text = is_text(bytes);
  auto const is_it = [&](Foreign const& format) {
    return bytes.size() > format.begin &&
           bytes.substr(format.begin).starts_with(format.signature) && !(format.weak && numbers) &&
           !(reads_as_text && is_printable(format.signature));
  };
  auto const found = std::find_if(foreign_formats.begin(), foreign_formats.end(), is_it);
  if (found == foreign_formats.end()) return;
  usage_error("{}: is {}; {}", path, found->name, found->advice);
}

[[noreturn]] void refuse_unknown_tokens(std::string const& path, std::string_view bytes) {
  usage_error(
      "{}: {}, so it is not text, and its first bytes match no known format; valid: text, .npy, "
      "llm.c files, and with --token-bits 16 or 32 files of 16-bit or 32-bit tokens",
      path,
      bytes.find('\0') != std::string_view::npos ? "has NUL bytes" : "has control characters");
}

Format recognise_tokens(std::string const& path, std::string_view bytes,
                        FileOptions const& options) {
  if (options.token_bits != 0) return Format::tokens;
  if (is_text(bytes)) return Format::text;
  refuse_unknown_tokens(path, bytes);
}

[[noreturn]] void refuse_unknown_rows(std::string const& path, std::string_view bytes) {
  std::size_t const length = bytes.size();
  usage_error(
      "{}: unknown format; valid: HDF5, .npy, LIBSVM text, CSV, IDX images, CIFAR images; its {} "
      "bytes are not a whole number of CIFAR images: the nearest sizes are {} for CIFAR-10 and {} "
      "for CIFAR-100",
      path, length, nearest_multiple(length, cifar10_record),
      nearest_multiple(length, cifar100_record));
}

/// CSV has a comma or a semicolon in its first line that says anything.
Format recognise_rows_of_text(std::string_view text) {
  std::size_t const begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return Format::libsvm;
  std::string_view const line = text.substr(begin, text.find('\n', begin) - begin);
  bool const separated = line.substr(0, line.find('#')).find_first_of(",;") != line.npos;
  return separated ? Format::csv : Format::libsvm;
}

/// A whole IDX file may have the length of CIFAR's files, and CIFAR's first bytes may be those of
/// IDX: only a file that fits both is taken for the one with a signature.
Format recognise_rows(std::string const& path, std::string_view bytes) {
  if (fits_idx(bytes)) return Format::idx;
  if (is_text(bytes)) return recognise_rows_of_text(without_mark(bytes));
  if (fits_cifar100(bytes)) return Format::cifar100;
  if (fits_cifar10(bytes)) return Format::cifar10;
  if (begins_as_idx(bytes)) return Format::idx;
  if (bytes.size() % cifar10_record == 0) return Format::cifar10;
  if (bytes.size() % cifar100_record == 0) return Format::cifar100;
  refuse_unknown_rows(path, bytes);
}

}  // namespace

Format recognise(std::string const& path, std::string_view bytes, bool tokens,
                 FileOptions const& options) {
  if (!options.format.empty()) return format_named(options.format);
  if (bytes.starts_with("\x93NUMPY")) return Format::npy;
  if (tokens && begins_as_llmc(bytes)) return Format::llmc;
  refuse_foreign(path, bytes, options.token_bits != 0);
  return tokens ? recognise_tokens(path, bytes, options) : recognise_rows(path, bytes);
}

}  // namespace quartic::io
