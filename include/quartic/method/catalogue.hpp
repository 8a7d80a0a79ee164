#pragma once

/// The catalogue: one line a method, whose file defines `Method NAME();`. The order is that of
/// methods.md §2 and of `quartic methods`.
#define QUARTIC_METHODS(entry)                                                              \
  entry(sgd) entry(gpipe) entry(one_f_one_b_flush) entry(interleaved) entry(zero_bubble_1p) \
      entry(zero_bubble_2p) entry(zero_bubble_v) entry(pipedream) entry(pipedream_vsync)    \
          entry(pipedream_2bw) entry(async) entry(paci) entry(rpd) entry(local_sgd)         \
              entry(timeprest) entry(v_timeprest) entry(i_timeprest) entry(nf1b_stash)      \
                  entry(pipemare) entry(spectrain) entry(nesterov)

namespace quartic::method {

struct Method;

#define QUARTIC_DECLARE_METHOD(name) Method name();
QUARTIC_METHODS(QUARTIC_DECLARE_METHOD)
#undef QUARTIC_DECLARE_METHOD

}  // namespace quartic::method
