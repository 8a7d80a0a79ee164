#pragma once

/// The catalogue: one line a method, whose file defines `Method NAME();`. The order is that of
/// methods.md §2 and of `quartic methods`.
#define QUARTIC_METHODS(entry)                                                                 \
  entry(sgd) entry(gpipe) entry(one_f_one_b_flush) entry(zero_bubble_1p) entry(zero_bubble_2p) \
      entry(pipedream) entry(pipedream_vsync) entry(pipedream_2bw) entry(async) entry(paci)

namespace quartic::method {

struct Method;

#define QUARTIC_DECLARE_METHOD(name) Method name();
QUARTIC_METHODS(QUARTIC_DECLARE_METHOD)
#undef QUARTIC_DECLARE_METHOD

}  // namespace quartic::method
