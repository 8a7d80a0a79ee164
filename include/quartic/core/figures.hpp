#pragma once

#include <cstdint>
#include <string>

/// How numbers are written for people.
namespace quartic {

/// 1115394 -> "1,115,394".
std::string grouped(std::int64_t count);
/// Four digits: "2.685", "0.02685", "2.685e-07".
std::string number(double value);
/// "8,700" from a hundred on, else three digits.
std::string rate(double per_second);
/// "0.00213 s", "9.85 s", "1234 s".
std::string seconds_text(double seconds);
/// "1:10", or "2:05:00" from an hour on.
std::string clock_time(double seconds);

}  // namespace quartic
