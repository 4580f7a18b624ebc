// For tests which show that something takes no memory: counting_new.cpp is linked into them.
#pragma once

#include <cstddef>

namespace braidway {

/// Calls of operator new in the program so far.
extern std::size_t taken;

}  // namespace braidway
