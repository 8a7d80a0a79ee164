#include <array>
#include <type_traits>

#include "quartic/core/check.hpp"
#include "quartic/io/columns.hpp"
#include "quartic/io/table.hpp"

namespace quartic::io {
namespace {

template <class Value>
constexpr Kind kind_of() {
  if constexpr (std::is_same_v<Value, std::int32_t>) {
    return Kind::int32;
  } else if constexpr (std::is_same_v<Value, std::int64_t>) {
    return Kind::int64;
  } else if constexpr (std::is_same_v<Value, double>) {
    return Kind::real;
  } else if constexpr (std::is_same_v<Value, char>) {
    return Kind::letter;
  } else {
    static_assert(std::is_same_v<typename Value::value_type, char>);
    return Kind::text;
  }
}

}  // namespace

#define QUARTIC_FIELD(source, name)                                                                \
  Column {                                                                                         \
#name, HOFFSET(Row, name), sizeof(Row::name), kind_of < decltype(Row::name)>(), Source::source \
  }
#define QUARTIC_COMPUTED(name) QUARTIC_FIELD(computation, name)
#define QUARTIC_CLOCK(name) QUARTIC_FIELD(clock, name)
#define QUARTIC_HOSTING(name) QUARTIC_FIELD(hosting, name)

template <>
std::span<Column const> columns<engine::StepRow>() {
  using Row = engine::StepRow;
  static constexpr std::array all{
      QUARTIC_COMPUTED(microbatch),       QUARTIC_COMPUTED(minibatch),
      QUARTIC_COMPUTED(replica),          QUARTIC_COMPUTED(version_forward),
      QUARTIC_COMPUTED(version_backward), QUARTIC_COMPUTED(version_applied),
      QUARTIC_COMPUTED(staleness),        QUARTIC_COMPUTED(drift),
      QUARTIC_COMPUTED(delay_own),        QUARTIC_COMPUTED(delay_oldest),
      QUARTIC_COMPUTED(displacement_sq),  QUARTIC_COMPUTED(gradient_sq),
      QUARTIC_COMPUTED(learning_rate),    QUARTIC_COMPUTED(plan_forward),
      QUARTIC_COMPUTED(plan_backward),    QUARTIC_CLOCK(forward_begin_ns),
      QUARTIC_CLOCK(forward_end_ns),      QUARTIC_CLOCK(backward_begin_ns),
      QUARTIC_CLOCK(backward_end_ns),     QUARTIC_CLOCK(wait_ns),
      QUARTIC_COMPUTED(weight_copies),    QUARTIC_COMPUTED(activations)};
  return all;
}

template <>
std::span<Column const> columns<engine::EventRow>() {
  using Row = engine::EventRow;
  static constexpr std::array all{QUARTIC_COMPUTED(action),     QUARTIC_COMPUTED(microbatch),
                                  QUARTIC_COMPUTED(plan_begin), QUARTIC_COMPUTED(plan_end),
                                  QUARTIC_CLOCK(begin_ns),      QUARTIC_CLOCK(end_ns)};
  return all;
}

template <>
std::span<Column const> columns<engine::LossRow>() {
  using Row = engine::LossRow;
  static constexpr std::array all{QUARTIC_COMPUTED(pipeline),   QUARTIC_COMPUTED(replica),
                                  QUARTIC_COMPUTED(microbatch), QUARTIC_COMPUTED(minibatch),
                                  QUARTIC_COMPUTED(plan_time),  QUARTIC_CLOCK(wall_ns),
                                  QUARTIC_COMPUTED(loss)};
  return all;
}

template <>
std::span<Column const> columns<engine::StaleReadRow>() {
  using Row = engine::StaleReadRow;
  static constexpr std::array all{QUARTIC_COMPUTED(microbatch), QUARTIC_COMPUTED(plan_time),
                                  QUARTIC_COMPUTED(value)};
  return all;
}

template <>
std::span<Column const> columns<engine::ObjectiveRow>() {
  using Row = engine::ObjectiveRow;
  static constexpr std::array all{QUARTIC_COMPUTED(plan_time), QUARTIC_COMPUTED(block_updates),
                                  QUARTIC_CLOCK(wall_ns),      QUARTIC_COMPUTED(value),
                                  QUARTIC_COMPUTED(accuracy),  QUARTIC_COMPUTED(gradient_sq)};
  return all;
}

template <>
std::span<Column const> columns<engine::MemoryRow>() {
  using Row = engine::MemoryRow;
  static constexpr std::array all{QUARTIC_HOSTING(rank),
                                  QUARTIC_HOSTING(weights_bytes),
                                  QUARTIC_HOSTING(stashes_bytes),
                                  QUARTIC_HOSTING(activations_bytes),
                                  QUARTIC_HOSTING(buffers_bytes),
                                  QUARTIC_HOSTING(resident_bytes),
                                  QUARTIC_HOSTING(others_bytes),
                                  QUARTIC_HOSTING(planned_weights_bytes),
                                  QUARTIC_HOSTING(planned_stashes_bytes),
                                  QUARTIC_HOSTING(planned_activations_bytes),
                                  QUARTIC_HOSTING(planned_buffers_bytes)};
  return all;
}

template <>
std::span<Column const> columns<engine::RankRow>() {
  using Row = engine::RankRow;
  static constexpr std::array all{QUARTIC_HOSTING(start),     QUARTIC_HOSTING(rank),
                                  QUARTIC_HOSTING(host),      QUARTIC_HOSTING(cpu),
                                  QUARTIC_HOSTING(blas_core), QUARTIC_HOSTING(blas_choice),
                                  QUARTIC_HOSTING(threads),   QUARTIC_HOSTING(build)};
  return all;
}

#undef QUARTIC_HOSTING
#undef QUARTIC_CLOCK
#undef QUARTIC_COMPUTED
#undef QUARTIC_FIELD

namespace h5 {
namespace {

// A letter has no terminating zero, so that one byte holds it; a text ends with one.
Handle characters(Column const& column) {
  Handle type{H5Tcopy(H5T_C_S1), H5Tclose};
  bool const is_letter = column.kind == Kind::letter;
  if (H5Tset_size(type.id(), column.size) < 0) failure("H5Tset_size failed: {}", reason());
  if (is_letter && H5Tset_strpad(type.id(), H5T_STR_NULLPAD) < 0)
    failure("H5Tset_strpad failed: {}", reason());
  return type;
}

Handle type_of(Column const& column) {
  switch (column.kind) {
    case Kind::int32:
      return {H5Tcopy(H5T_NATIVE_INT32), H5Tclose};
    case Kind::int64:
      return {H5Tcopy(H5T_NATIVE_INT64), H5Tclose};
    case Kind::real:
      return {H5Tcopy(H5T_NATIVE_DOUBLE), H5Tclose};
    case Kind::letter:
    case Kind::text:
      break;
  }
  return characters(column);
}

Handle compound(std::size_t size, std::span<Column const> columns) {
  Handle row{H5Tcreate(H5T_COMPOUND, size), H5Tclose};
  bool complete = row.id() >= 0;
  for (Column const& column : columns) {
    Handle const type = type_of(column);
    complete = complete && H5Tinsert(row.id(), column.name, column.offset, type.id()) >= 0;
  }
  if (!complete) failure("H5Tinsert failed: {}", reason());
  return row;
}

}  // namespace

template <class Row>
Handle row_type() {
  return compound(sizeof(Row), columns<Row>());
}

template Handle row_type<engine::StepRow>();
template Handle row_type<engine::EventRow>();
template Handle row_type<engine::LossRow>();
template Handle row_type<engine::StaleReadRow>();
template Handle row_type<engine::ObjectiveRow>();
template Handle row_type<engine::MemoryRow>();
template Handle row_type<engine::RankRow>();

}  // namespace h5
}  // namespace quartic::io
