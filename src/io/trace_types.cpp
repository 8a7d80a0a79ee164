#include "quartic/core/check.hpp"
#include "quartic/io/table.hpp"

namespace quartic::io::h5 {
namespace {

struct Field {
  char const* name;
  std::size_t offset;
  hid_t type;
};

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

#define FIELD(name, type)           \
  Field {                           \
#name, HOFFSET(Row, name), type \
  }

template <>
Handle row_type<engine::StepRow>() {
  using Row = engine::StepRow;
  return compound(
      sizeof(Row),
      {FIELD(microbatch, H5T_NATIVE_INT64),       FIELD(minibatch, H5T_NATIVE_INT64),
       FIELD(replica, H5T_NATIVE_INT32),          FIELD(version_forward, H5T_NATIVE_INT64),
       FIELD(version_backward, H5T_NATIVE_INT64), FIELD(version_applied, H5T_NATIVE_INT64),
       FIELD(staleness, H5T_NATIVE_INT64),        FIELD(drift, H5T_NATIVE_INT64),
       FIELD(delay_own, H5T_NATIVE_INT64),        FIELD(delay_oldest, H5T_NATIVE_INT64),
       FIELD(displacement_sq, H5T_NATIVE_DOUBLE), FIELD(gradient_sq, H5T_NATIVE_DOUBLE),
       FIELD(learning_rate, H5T_NATIVE_DOUBLE),   FIELD(plan_forward, H5T_NATIVE_DOUBLE),
       FIELD(plan_backward, H5T_NATIVE_DOUBLE),   FIELD(forward_begin_ns, H5T_NATIVE_INT64),
       FIELD(forward_end_ns, H5T_NATIVE_INT64),   FIELD(backward_begin_ns, H5T_NATIVE_INT64),
       FIELD(backward_end_ns, H5T_NATIVE_INT64),  FIELD(wait_ns, H5T_NATIVE_INT64),
       FIELD(weight_copies, H5T_NATIVE_INT32),    FIELD(activations, H5T_NATIVE_INT32)});
}

template <>
Handle row_type<engine::EventRow>() {
  using Row = engine::EventRow;
  Handle const action = letter();
  return compound(sizeof(Row),
                  {FIELD(action, action.id()), FIELD(microbatch, H5T_NATIVE_INT64),
                   FIELD(plan_begin, H5T_NATIVE_DOUBLE), FIELD(plan_end, H5T_NATIVE_DOUBLE),
                   FIELD(begin_ns, H5T_NATIVE_INT64), FIELD(end_ns, H5T_NATIVE_INT64)});
}

template <>
Handle row_type<engine::LossRow>() {
  using Row = engine::LossRow;
  return compound(sizeof(Row),
                  {FIELD(pipeline, H5T_NATIVE_INT32), FIELD(replica, H5T_NATIVE_INT32),
                   FIELD(microbatch, H5T_NATIVE_INT64), FIELD(minibatch, H5T_NATIVE_INT64),
                   FIELD(plan_time, H5T_NATIVE_DOUBLE), FIELD(wall_ns, H5T_NATIVE_INT64),
                   FIELD(loss, H5T_NATIVE_DOUBLE)});
}

template <>
Handle row_type<engine::ObjectiveRow>() {
  using Row = engine::ObjectiveRow;
  return compound(sizeof(Row),
                  {FIELD(plan_time, H5T_NATIVE_DOUBLE), FIELD(block_updates, H5T_NATIVE_INT64),
                   FIELD(wall_ns, H5T_NATIVE_INT64), FIELD(value, H5T_NATIVE_DOUBLE),
                   FIELD(accuracy, H5T_NATIVE_DOUBLE), FIELD(gradient_sq, H5T_NATIVE_DOUBLE)});
}

template <>
Handle row_type<engine::MemoryRow>() {
  using Row = engine::MemoryRow;
  return compound(
      sizeof(Row),
      {FIELD(rank, H5T_NATIVE_INT32), FIELD(weights_bytes, H5T_NATIVE_INT64),
       FIELD(stashes_bytes, H5T_NATIVE_INT64), FIELD(activations_bytes, H5T_NATIVE_INT64),
       FIELD(buffers_bytes, H5T_NATIVE_INT64), FIELD(resident_bytes, H5T_NATIVE_INT64)});
}

#undef FIELD

}  // namespace quartic::io::h5
