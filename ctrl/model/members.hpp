// Which models there are. A model of the user's own: one file with a Forecaster, its name in meson.build, and
// a line in members.cpp.
//
// Any thread.
#pragma once

#include "ctrl/model/ensemble.hpp"
#include "ctrl/model/forecaster.hpp"
#include "ctrl/model/gate.hpp"

namespace braidway::ctrl::model {

/// All of them, the naive ones first: Gate::naives of them.
[[nodiscard]] Ensemble::Members make_members(const Shape& shape);

}  // namespace braidway::ctrl::model
