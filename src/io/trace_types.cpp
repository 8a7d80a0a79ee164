#include <type_traits>

#include "quartic/core/check.hpp"
#include "quartic/io/table.hpp"

namespace quartic::io::h5 {
namespace {

struct Field {
  char const* name;
  std::size_t offset;
  hid_t type;
};

// The type of a text that ends with a zero.
Handle text(std::size_t bytes) {
  Handle type{H5Tcopy(H5T_C_S1), H5Tclose};
  if (H5Tset_size(type.id(), bytes) < 0) failure("H5Tset_size failed: {}", reason());
  return type;
}

template <class Number>
Field field(char const* name, std::size_t offset) {
  if constexpr (std::is_same_v<Number, std::int32_t>) {
    return {name, offset, H5T_NATIVE_INT32};
  } else if constexpr (std::is_same_v<Number, std::int64_t>) {
    return {name, offset, H5T_NATIVE_INT64};
  } else {
    static_assert(std::is_same_v<Number, double>);
    return {name, offset, H5T_NATIVE_DOUBLE};
  }
}

Handle compound(std::size_t size, std::initializer_list<Field> fields) {
  Handle row{H5Tcreate(H5T_COMPOUND, size), H5Tclose};
  bool complete = row.id() >= 0;
  for (Field const& field : fields) {
    complete = complete && H5Tinsert(row.id(), field.name, field.offset, field.type) >= 0;
  }
  if (!complete) failure("H5Tinsert failed: {}", reason());
  return row;
}

// Without a terminating zero one byte holds one letter.
Handle letter() {
  Handle type{H5Tcopy(H5T_C_S1), H5Tclose};
  if (H5Tset_strpad(type.id(), H5T_STR_NULLPAD) < 0) failure("H5Tset_strpad failed: {}", reason());
  return type;
}

}  // namespace

#define QUARTIC_FIELD(name) field<decltype(Row::name)>(#name, HOFFSET(Row, name))

template <>
Handle row_type<engine::StepRow>() {
  using Row = engine::StepRow;
  return compound(sizeof(Row), {QUARTIC_FIELD(microbatch),       QUARTIC_FIELD(minibatch),
                                QUARTIC_FIELD(replica),          QUARTIC_FIELD(version_forward),
                                QUARTIC_FIELD(version_backward), QUARTIC_FIELD(version_applied),
                                QUARTIC_FIELD(staleness),        QUARTIC_FIELD(drift),
                                QUARTIC_FIELD(delay_own),        QUARTIC_FIELD(delay_oldest),
                                QUARTIC_FIELD(displacement_sq),  QUARTIC_FIELD(gradient_sq),
                                QUARTIC_FIELD(learning_rate),    QUARTIC_FIELD(plan_forward),
                                QUARTIC_FIELD(plan_backward),    QUARTIC_FIELD(forward_begin_ns),
                                QUARTIC_FIELD(forward_end_ns),   QUARTIC_FIELD(backward_begin_ns),
                                QUARTIC_FIELD(backward_end_ns),  QUARTIC_FIELD(wait_ns),
                                QUARTIC_FIELD(weight_copies),    QUARTIC_FIELD(activations)});
}

template <>
Handle row_type<engine::EventRow>() {
  using Row = engine::EventRow;
  Handle const action = letter();
  return compound(sizeof(Row), {{"action", HOFFSET(Row, action), action.id()},
                                QUARTIC_FIELD(microbatch),
                                QUARTIC_FIELD(plan_begin),
                                QUARTIC_FIELD(plan_end),
                                QUARTIC_FIELD(begin_ns),
                                QUARTIC_FIELD(end_ns)});
}

template <>
Handle row_type<engine::LossRow>() {
  using Row = engine::LossRow;
  return compound(sizeof(Row),
                  {QUARTIC_FIELD(pipeline), QUARTIC_FIELD(replica), QUARTIC_FIELD(microbatch),
                   QUARTIC_FIELD(minibatch), QUARTIC_FIELD(plan_time), QUARTIC_FIELD(wall_ns),
                   QUARTIC_FIELD(loss)});
}

template <>
Handle row_type<engine::StaleReadRow>() {
  using Row = engine::StaleReadRow;
  return compound(sizeof(Row),
                  {QUARTIC_FIELD(microbatch), QUARTIC_FIELD(plan_time), QUARTIC_FIELD(value)});
}

template <>
Handle row_type<engine::ObjectiveRow>() {
  using Row = engine::ObjectiveRow;
  return compound(sizeof(Row),
                  {QUARTIC_FIELD(plan_time), QUARTIC_FIELD(block_updates), QUARTIC_FIELD(wall_ns),
                   QUARTIC_FIELD(value), QUARTIC_FIELD(accuracy), QUARTIC_FIELD(gradient_sq)});
}

template <>
Handle row_type<engine::MemoryRow>() {
  using Row = engine::MemoryRow;
  return compound(sizeof(Row),
                  {QUARTIC_FIELD(rank), QUARTIC_FIELD(weights_bytes), QUARTIC_FIELD(stashes_bytes),
                   QUARTIC_FIELD(activations_bytes), QUARTIC_FIELD(buffers_bytes),
                   QUARTIC_FIELD(resident_bytes), QUARTIC_FIELD(others_bytes),
                   QUARTIC_FIELD(planned_weights_bytes), QUARTIC_FIELD(planned_stashes_bytes),
                   QUARTIC_FIELD(planned_activations_bytes), QUARTIC_FIELD(planned_buffers_bytes)});
}

template <>
Handle row_type<engine::RankRow>() {
  using Row = engine::RankRow;
  Handle const host = text(sizeof(Row::host));
  Handle const cpu = text(sizeof(Row::cpu));
  Handle const blas_core = text(sizeof(Row::blas_core));
  Handle const blas_choice = text(sizeof(Row::blas_choice));
  Handle const build = text(sizeof(Row::build));
  return compound(sizeof(Row), {QUARTIC_FIELD(start),
                                QUARTIC_FIELD(rank),
                                {"host", HOFFSET(Row, host), host.id()},
                                {"cpu", HOFFSET(Row, cpu), cpu.id()},
                                {"blas_core", HOFFSET(Row, blas_core), blas_core.id()},
                                {"blas_choice", HOFFSET(Row, blas_choice), blas_choice.id()},
                                QUARTIC_FIELD(threads),
                                {"build", HOFFSET(Row, build), build.id()}});
}

#undef QUARTIC_FIELD

}  // namespace quartic::io::h5
