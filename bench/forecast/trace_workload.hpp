// Workloads of recorded traces (ctrl/record/trace_file.hpp): cross load as the gateway that recorded could
// see it. There is no truth beside that, and no oracle. Any thread.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "bench/forecast/workload.hpp"
#include "ctrl/record/trace_file.hpp"

namespace braidway::bench::forecast {

/// A trace that cannot be read or is no good for judging models. what() is `FILE: what is wrong; what to do`.
class TraceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct TraceWorkload {
  Workload workload;                 ///< its name is the file's, without folder and suffix
  std::vector<std::string> remarks;  ///< what is in it, and what was left out: sentences for the user
};

/// Paths of unknown capacity are left out, and so is time of which nothing was heard for more than a second.
/// Throws TraceError.
[[nodiscard]] TraceWorkload trace_workload(const std::string& file, ctrl::record::Trace::CutShort cut_short);

/// The same of a trace that was read; `file` for the name and for errors.
[[nodiscard]] TraceWorkload trace_workload(const std::string& file, const ctrl::record::Trace& trace);

}  // namespace braidway::bench::forecast
