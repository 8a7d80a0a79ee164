#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace quartic::test {

/// A folder that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "quartic_io_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(TemporaryFolder const&) = delete;
  TemporaryFolder& operator=(TemporaryFolder const&) = delete;

  std::filesystem::path const& path() const { return path_; }
  std::string file(std::string const& name) const { return (path_ / name).string(); }
  /// Writes a file and returns its path.
  std::string write(std::string const& name, std::string const& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

/// The message of the `Error` that `action` throws; the test fails if it throws none.
template <class Error, class Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (Error const& error) {
    std::string const message = error.what();
    CHECK_MESSAGE(message.find('\n') == std::string::npos, message);
    return message;
  }
  FAIL_CHECK("no error");
  return "";
}

inline bool contains(std::string const& text, std::string const& part) {
  bool const found = text.find(part) != std::string::npos;
  CHECK_MESSAGE(found, "'" << text << "' should name '" << part << "'");
  return found;
}

}  // namespace quartic::test
