#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "quartic/core/check.hpp"
#include "quartic/core/memory.hpp"
#include "quartic/io/bytes.hpp"

namespace quartic::io {
namespace {

// zlib counts its input in 32 bits, so larger files go in piece by piece.
class Unpacking {
 public:
  Unpacking(std::string_view bytes, std::string const& path) : rest_(bytes), path_(path) {
    int const gzip_only = 16;
    if (inflateInit2(&stream_, MAX_WBITS + gzip_only) != Z_OK) failure("inflateInit2 failed");
  }
  ~Unpacking() { inflateEnd(&stream_); }
  Unpacking(Unpacking const&) = delete;
  Unpacking& operator=(Unpacking const&) = delete;

  std::string all() {
    std::string unpacked;
    std::string block(block_bytes, '\0');
    while (!finished_) {
      std::size_t const got = next(block);
      unpacked.append(block, 0, got);
      refuse_bomb(unpacked.size());
      require_memory(unpacked);
    }
    return unpacked;
  }

 private:
  /// Data that packs a hundred times does not exist in such sizes: that is a file made to fill the
  /// memory of whoever unpacks it.
  void refuse_bomb(std::size_t unpacked) const {
    constexpr std::size_t harmless = std::size_t{256} << 20;
    constexpr std::size_t most_times = 100;
    if (unpacked <= harmless || unpacked / most_times <= read_) return;
    usage_error(
        "{}: {} compressed bytes expand to more than {}, {} times as many; the limit is {} times; "
        "for more, decompress the file first",
        path_, read_, unpacked, unpacked / std::max<std::size_t>(read_, 1), most_times);
  }

  /// Before the text doubles its memory: the system ends processes that take what it has not got.
  void require_memory(std::string const& unpacked) const {
    constexpr std::size_t harmless = std::size_t{64} << 20;
    bool const is_full = unpacked.capacity() - unpacked.size() < block_bytes;
    if (unpacked.size() < harmless || !is_full) return;
    auto const needed = static_cast<std::int64_t>(2 * unpacked.capacity());
    if (needed <= available_memory_bytes()) return;
    usage_error("{}: out of memory: {} bytes are decompressed so far, and {} more are needed: {}",
                path_, unpacked.size(), needed, tightest_memory_limit());
  }

  void feed() {
    std::size_t const piece = std::min<std::size_t>(rest_.size(), std::numeric_limits<uInt>::max());
    stream_.next_in = reinterpret_cast<Bytef const*>(rest_.data());
    stream_.avail_in = static_cast<uInt>(piece);
    rest_.remove_prefix(piece);
  }

  std::size_t next(std::string& block) {
    if (stream_.avail_in == 0) feed();
    stream_.next_out = reinterpret_cast<Bytef*>(block.data());
    stream_.avail_out = static_cast<uInt>(block.size());
    int const result = inflate(&stream_, Z_NO_FLUSH);
    read_ = stream_.total_in + before_;
    if (result == Z_STREAM_END) {
      end_member();
    } else if (result == Z_BUF_ERROR) {
      usage_error("{}: is truncated: it ends after {} bytes, in the middle of its gzip data", path_,
                  read_);
    } else if (result != Z_OK) {
      usage_error("{}: damaged gzip data before byte {}: {}", path_, read_,
                  stream_.msg != nullptr ? stream_.msg : "inflate failed");
    }
    return block.size() - stream_.avail_out;
  }

  // A gzip file may be several, one after the other, and have zeros behind, as tapes leave them.
  void end_member() {
    std::string_view const held(reinterpret_cast<char const*>(stream_.next_in), stream_.avail_in);
    auto const is_zeros = [](std::string_view bytes) {
      return bytes.find_first_not_of('\0') == std::string_view::npos;
    };
    finished_ = is_zeros(held) && is_zeros(rest_);
    if (finished_) return;
    before_ = read_;
    inflateReset(&stream_);
  }

  static constexpr std::size_t block_bytes = std::size_t{1} << 18;

  z_stream stream_{};
  std::string_view rest_;
  std::string const& path_;
  std::size_t before_ = 0;
  std::size_t read_ = 0;
  bool finished_ = false;
};

}  // namespace

bool is_gzip(std::string_view bytes) {
  return bytes.starts_with("\x1f\x8b\x08");
}

std::string unpack_gzip(std::string_view bytes, std::string const& path) {
  return Unpacking(bytes, path).all();
}

}  // namespace quartic::io
