#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quartic/comm/channel.hpp"
#include "quartic/engine/archive.hpp"
#include "quartic/engine/visit_rows.hpp"

namespace quartic::engine {

/// Visits headers and payloads of `count` messages; `message(i)` must be there.
template <class T, class Of>
void visit_messages(Archive& archive, std::string const& name, std::int64_t count, Of message) {
  auto const group = archive.group(name);
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  auto const header = [&](std::int64_t i) -> comm::Header& { return message(i).header(); };
  integers_of(
      archive, "microbatch", order, [&](auto i) -> auto& { return header(i).microbatch; });
  integers_of(
      archive, "tag", order, [&](auto i) -> auto& { return header(i).tag; });
  integers_of(
      archive, "replica", order, [&](auto i) -> auto& { return header(i).replica; });
  std::int64_t const columns = count == 0 ? 0 : std::ssize(message(0).template payload<T>());
  visit_rows<T>(archive, "payload", count, columns,
                [&](std::int64_t i) { return message(i).template payload<T>(); });
}

/// Visits messages that wait at an inbox, of which `count` belong to the state.
template <class T>
void visit_waiting(Archive& archive, std::string const& name, comm::Inbox* inbox,
                   std::int64_t count) {
  if (inbox == nullptr) return;
  if (archive.restores()) {
    for (std::int64_t i = 0; i < count; ++i) inbox->put(inbox->spare());
  }
  visit_messages<T>(archive, name, count,
                    [&](std::int64_t i) -> comm::Message& { return inbox->waiting(i); });
}

}  // namespace quartic::engine
