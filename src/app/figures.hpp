#pragma once

#include <cstdint>
#include <string>

namespace quartic::app {

/// 1115394 -> "1,115,394".
std::string grouped(std::int64_t count);
/// Four digits: "2.685", "0.02685", "2.685e-07".
std::string number(double value);
/// "8,700" from a hundred on, else three digits.
std::string rate(double per_second);
/// "1:10", or "2:05:00" from an hour on.
std::string clock_time(double seconds);

}  // namespace quartic::app
