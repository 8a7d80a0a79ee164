#include <charconv>
#include <sstream>

#include "quartic/core/check.hpp"
#include "quartic/io/bytes.hpp"
#include "quartic/io/checkpoint.hpp"

namespace quartic::io {
namespace {

constexpr std::string_view format_mark = "quartic checkpoint, format ";
constexpr std::string_view first_line = "quartic checkpoint, format 1\n";
constexpr std::string_view last_line = "manifest = ";

// The lines of a manifest: `file NAME = crc32:89abcdef BYTES`, `about NAME = TEXT`, `NAME =
// NUMBER`.
constexpr std::string_view file_mark = "file ";
constexpr std::string_view about_mark = "about ";

class Parser {
 public:
  Parser(std::string const& text, std::string const& path) : text_(text), path_(path) {}

  CheckpointManifest operator()() {
    refuse_other_formats();
    std::istringstream lines(checked_body());
    CheckpointManifest manifest;
    for (std::string line; std::getline(lines, line);) {
      auto const equals = line.find(" = ");
      if (equals == std::string::npos) damaged();
      read(line.substr(0, equals), line.substr(equals + 3), manifest);
    }
    if (fields_ != 4 || manifest.files.empty()) damaged();
    return manifest;
  }

 private:
  [[noreturn]] void damaged() const {
    usage_error(
        "{}: is damaged; remove its folder to resume from an earlier checkpoint, or from the start",
        path_);
  }

  void refuse_other_formats() const {
    if (!text_.starts_with(format_mark) || text_.starts_with(first_line)) return;
    std::string const format =
        text_.substr(format_mark.size(), text_.find('\n') - format_mark.size());
    if (format.empty() || format.find_first_not_of("0123456789") != std::string::npos) damaged();
    usage_error("{}: has format {}; this program reads format 1", path_, format);
  }

  /// What lies between the first line and the last, which has its checksum.
  std::string checked_body() const {
    auto const last = text_.rfind(last_line);
    if (!text_.starts_with(first_line) || last == std::string::npos || last == 0) damaged();
    std::string const body = text_.substr(0, last);
    std::string const expected = fmt::format("{}{}\n", last_line, checksum_text(checksum_of(body)));
    if (text_.substr(last) != expected) damaged();
    return body.substr(first_line.size());
  }

  template <class Integer>
  Integer integer(std::string_view digits, int base = 10) const {
    Integer value{};
    auto const [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || end != digits.data() + digits.size()) damaged();
    return value;
  }

  void read(std::string const& name, std::string const& value, CheckpointManifest& manifest) {
    engine::Checkpoint& checkpoint = manifest.checkpoint;
    if (name.starts_with(file_mark)) {
      manifest.files[name.substr(file_mark.size())] = file(value);
      return;
    }
    if (name.starts_with(about_mark)) {
      manifest.about[name.substr(about_mark.size())] = value;
      return;
    }
    ++fields_;
    if (name == "position")
      checkpoint.position = integer<std::int64_t>(value);
    else if (name == "plan")
      checkpoint.plan.value = integer<std::uint64_t>(value, 16);
    else if (name == "block_updates")
      checkpoint.block_updates = integer<std::int64_t>(value);
    else if (name == "wall_ns")
      checkpoint.wall_ns = integer<std::int64_t>(value);
    else
      damaged();
  }

  CheckpointManifest::File file(std::string_view value) const {
    constexpr std::string_view mark = "crc32:";
    auto const space = value.find(' ');
    if (!value.starts_with(mark) || space == std::string_view::npos) damaged();
    return {integer<std::uint32_t>(value.substr(mark.size(), space - mark.size()), 16),
            integer<std::uint64_t>(value.substr(space + 1))};
  }

  std::string const& text_;
  std::string const& path_;
  int fields_ = 0;
};

}  // namespace

std::string manifest_text(CheckpointManifest const& manifest) {
  engine::Checkpoint const& checkpoint = manifest.checkpoint;
  std::string text(first_line);
  text += fmt::format("position = {}\nplan = {:016x}\nblock_updates = {}\nwall_ns = {}\n",
                      checkpoint.position, checkpoint.plan.value, checkpoint.block_updates,
                      checkpoint.wall_ns);
  for (auto const& [name, value] : manifest.about)
    text += fmt::format("{}{} = {}\n", about_mark, name, value);
  for (auto const& [name, file] : manifest.files) {
    text +=
        fmt::format("{}{} = {} {}\n", file_mark, name, checksum_text(file.checksum), file.bytes);
  }
  return text + fmt::format("{}{}\n", last_line, checksum_text(checksum_of(text)));
}

CheckpointManifest parse_manifest(std::string const& text, std::string const& path) {
  return Parser(text, path)();
}

}  // namespace quartic::io
