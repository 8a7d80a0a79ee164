#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace quartic {

/// The run's log: every rank appends its own lines (time, rank, text) to one file.
class Log {
 public:
  Log(std::filesystem::path const& file, int rank);
  ~Log();
  Log(Log const&) = delete;
  Log& operator=(Log const&) = delete;
  void info(std::string const& text);
  void error(std::string const& text);

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace quartic
