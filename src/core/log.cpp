#include "quartic/core/log.hpp"

#include <fmt/core.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include "quartic/core/check.hpp"

namespace quartic {

Log::Log(std::filesystem::path const& file, int rank) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(file.string());
    logger_ = std::make_shared<spdlog::logger>("quartic", std::move(sink));
  } catch (spdlog::spdlog_ex const& error) {
    failure("{}: {}", file.string(), error.what());
  }
  logger_->set_pattern(fmt::format("%Y-%m-%dT%H:%M:%S.%e%z rank {} %l: %v", rank));
  logger_->flush_on(spdlog::level::info);
}

Log::~Log() = default;

void Log::info(std::string const& text) {
  logger_->info(text);
}

void Log::error(std::string const& text) {
  logger_->error(text);
}

}  // namespace quartic
