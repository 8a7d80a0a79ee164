#pragma once

#include "quartic/app/config.hpp"

namespace quartic::app {

/// UsageError for an option that was given and belongs to another objective, data source or
/// optimizer, where it would be ignored. A value that asks for nothing, as --l2 0, or the
/// default of an option of the model, is valid everywhere. `config` has its objective, data and
/// optimizer filled in.
void refuse_without_effect(Config const& config);

}  // namespace quartic::app
