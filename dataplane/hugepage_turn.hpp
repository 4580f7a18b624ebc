// Braidway's programs start one after the other where hugepages are concerned: between looking how many are
// free and taking them, none of the others may take them. Hold what hugepage_turn() returns over both. Any
// thread; waits while another program starts.
#pragma once

#include <fcntl.h>
#include <sys/file.h>

#include "dataplane/unique_fd.hpp"

namespace braidway::dataplane {

/// A lock on a folder that is there on any Linux with hugepages, and gone with its holder. No folder: no
/// hugepages to take turns for.
[[nodiscard]] inline UniqueFd hugepage_turn() noexcept {
  UniqueFd folder{::open("/sys/kernel/mm/hugepages", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder) ::flock(folder.get(), LOCK_EX);
  return folder;
}

}  // namespace braidway::dataplane
