#include "ctrl/config/path_ports.hpp"

#include <map>
#include <string>
#include <string_view>

#include "ctrl/config/uses.hpp"
#include "ctrl/config/words.hpp"

namespace braidway::ctrl {
namespace {

using dataplane::PortRole;

bool has_role(const PortDraft& port, PortRole role) { return port.role.given && port.role.value == role; }

class PathCheck {
 public:
  PathCheck(const Draft& draft, std::vector<Problem>& problems)
      : draft_(draft), problems_(problems), used_(problems) {
    for (const PortDraft& port : draft.ports) {
      names_known_ = names_known_ && port.name.given;
      const bool is_new = ports_.emplace(port.name.value, &port).second;
      if (is_new && has_role(port, PortRole::fabric)) {
        fabric_.emplace_back(port.name.value);
      }
    }
  }

  void run() {
    for (const PeerDraft& peer : draft_.peers) {
      Uses names(problems_);
      if (peer.paths.empty()) {
        paths_known_ = false;
      }
      for (const PathDraft& path : peer.paths) {
        check(path, names);
      }
    }
    if (paths_known_ && !draft_.peers.empty()) {
      find_unused();
    }
  }

 private:
  void check(const PathDraft& path, Uses& names) {
    bool port_is_new = false;
    if (path.port.given) {
      port_is_new = used_.add(path.port.value, path.port.at,
                              "port " + in_quotes(path.port.value) + " is used by a path",
                              "each path has a fabric port of its own");
    }
    const Given<std::string>& name = path.name.given ? path.name : path.port;
    if (path.name.given || port_is_new) {
      names.add(name.value, name.at, "path name " + in_quotes(name.value) + " is given",
                "each path of a peer has a name of its own");
    }
    const bool good = port_is_new && refers_to_fabric(path.port);
    paths_known_ = paths_known_ && good;
  }

  bool refers_to_fabric(const Given<std::string>& name) {
    if (!names_known_) {
      return false;
    }
    const auto port = ports_.find(name.value);
    if (port == ports_.end()) {
      const std::string_view near = nearest(name.value, fabric_);
      problems_.push_back({name.at, "no port is named " + in_quotes(name.value) + "; " +
                                        (near.empty() ? "" : "did you mean " + in_quotes(near) + "? ") +
                                        "fabric ports are: " + (fabric_.empty() ? "none" : listed(fabric_))});
      return false;
    }
    if (!has_role(*port->second, PortRole::host)) {
      return true;
    }
    problems_.push_back({name.at, in_quotes(name.value) + " is a host port; a path runs over a fabric port"});
    return false;
  }

  // Idle by mistake far more often than on purpose, and nothing would ever say so.
  void find_unused() {
    for (const PortDraft& port : draft_.ports) {
      if (!has_role(port, PortRole::fabric) || used_.contains(port.name.value)) {
        continue;
      }
      problems_.push_back({port.name.at, "no path uses fabric port " + in_quotes(port.name.value) +
                                             "; add a path with port: " + port.name.value +
                                             " or remove the port"});
    }
  }

  const Draft& draft_;
  std::vector<Problem>& problems_;
  Uses used_;
  std::map<std::string_view, const PortDraft*> ports_;
  std::vector<std::string_view> fabric_;
  bool names_known_ = true;
  bool paths_known_ = true;
};

}  // namespace

void check_path_ports(const Draft& draft, std::vector<Problem>& problems) {
  PathCheck(draft, problems).run();
}

}  // namespace braidway::ctrl
