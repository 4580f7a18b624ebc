// One run: opens the way between two ports, sends for the time that was asked for, waits for what is still
// under way, and says what came of it. One thread serves both ends in bursts and sleeps when there is nothing
// to do. Owner: the main thread.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include <tl/expected.hpp>

#include "bench/traffic/options.hpp"
#include "bench/traffic/port.hpp"
#include "bench/traffic/report.hpp"

namespace braidway::bench::traffic {

class Session {
 public:
  /// `interrupted` is asked all the time; once it is true the run drains and ends.
  Session(const Options& options, Port& client, Port& server, std::function<bool()> interrupted);

  /// Sends greetings both ways until both have arrived; an error when that takes longer than `keep_trying()`
  /// allows.
  tl::expected<void, std::string> greet(const std::function<bool()>& keep_trying);
  /// `progress`, if any, gets a JSON line each second.
  Results run(std::ostream* progress);

 private:
  bool exchange(lb::Nanoseconds now);
  bool drained() const noexcept;
  Results results(double seconds) const;

  const Options& options_;
  Port& client_port_;
  Port& server_port_;
  std::function<bool()> interrupted_;
  Channel there_;  ///< from the client to the server
  Channel back_;
  Host client_;
  Host server_;
};

}  // namespace braidway::bench::traffic
