// The place of a socket that a server is about to listen on: free, left over from a killed process, or
// somebody's. Owner: any thread.
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace braidway::dataplane {

/// True when a process accepts connections on the socket, or it cannot be known (no permission).
bool is_listening(const std::string& path);

/// Removes a socket that nobody listens on any more. Error if somebody does, if something else than a socket
/// is there, or if the folder is missing: one sentence saying what to do.
tl::expected<void, std::string> claim_socket_path(const std::string& path);

}  // namespace braidway::dataplane
