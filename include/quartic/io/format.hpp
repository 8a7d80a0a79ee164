#pragma once

#include <string>
#include <string_view>

namespace quartic::io {

/// What the bytes of a data file may be.
enum class Format { hdf5, npy, idx, cifar10, cifar100, libsvm, csv, text, tokens, llmc };

/// What the user says of a file, which its bytes then do not decide.
struct FileOptions {
  std::string format;  ///< a name of --data-format; empty: recognised
  int token_bits = 0;  ///< 16 or 32: numbers of so many bits follow each other; 0: not given
};

/// The names that --data-format takes, "hdf5, npy, …".
std::string format_names();

/// UsageError for a name that --data-format does not take.
Format format_named(std::string const& name);

/// Whether the signature of HDF5 stands where the format allows it: at byte 0, 512, 1024, 2048, …
/// in a file of which `at(offset)` returns 8 bytes, or fewer at its end.
template <class At>
bool has_hdf5_signature(std::size_t length, At&& at) {
  constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
  if (at(std::size_t{0}) == signature) return true;
  for (std::size_t begin = 512; begin < length; begin *= 2) {
    if (at(begin) == signature) return true;
  }
  return false;
}

/// The format of a file that is not HDF5: by the signature of a format, then by content that can be
/// nothing else. `bytes` is the whole file, unpacked; `tokens` says that the objective reads
/// tokens.
///
/// UsageError for a format that quartic does not read, such as xz or UTF-16, which names it, and
/// for a file that may be anything, which names the options that decide.
Format recognise(std::string const& path, std::string_view bytes, bool tokens,
                 FileOptions const& options);

/// Whether the file is UTF-8 or in a single-byte coding: form feed, ESC and what else texts have
/// are text, NUL never is.
bool is_text(std::string_view bytes);

/// Without the byte-order mark of UTF-8.
std::string_view without_mark(std::string_view text);

}  // namespace quartic::io
