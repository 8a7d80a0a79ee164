#pragma once

#include "quartic/comm/communicator.hpp"

namespace quartic::app {

/// The first thing in main. Descriptors 0 to 2 that the caller has closed lead to /dev/null: the
/// next file that is opened would get their number, and with it every message to stderr. A write
/// beyond the limit on a file's size fails as any other does, in place of ending the process
/// (SIGXFSZ).
void prepare_process();

/// UsageError where a launcher has started several processes of which each is a job of its own, so
/// that each would train the whole pipeline: srun without PMIx.
void refuse_lone_ranks(comm::Communicator const& communicator);

}  // namespace quartic::app
