// The packet's way as a Graphviz drawing, made from the lists in pipeline.hpp.
#pragma once

#include <string>

namespace braidway::dataplane {

std::string pipeline_dot();

}  // namespace braidway::dataplane
