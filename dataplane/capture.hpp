// A capture of what a port receives and transmits, as two pcap files: FILE.rx.pcap and FILE.tx.pcap.
//
// Workers copy packets into a ring (capture_tap.hpp); a thread of the capture writes them out. A worker never
// waits: what does not fit the ring is counted as missed. Owner: the control thread. Ends before its port is
// closed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "dataplane/capture_tap.hpp"

namespace braidway::dataplane {

struct CaptureResult {
  std::uint64_t received = 0;     ///< packets in FILE.rx.pcap
  std::uint64_t transmitted = 0;  ///< packets in FILE.tx.pcap
  std::uint64_t missed = 0;       ///< packets that the ring or the buffers had no room for
};

class Capture {
 public:
  /// `file`: without the suffix; files that are there already are left alone and are an error. `settle`:
  /// returns when every worker has finished its present turn. Error: one sentence saying what to do.
  static tl::expected<std::unique_ptr<Capture>, std::string> start(CaptureTap& tap, std::uint16_t data_room,
                                                                   const std::string& file,
                                                                   std::function<void()> settle);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  /// Takes the ring from the workers, writes what is in it and closes the files. Error: one sentence naming a
  /// file that does not hold all that was captured.
  tl::expected<CaptureResult, std::string> stop();

 private:
  class Writer;
  explicit Capture(std::unique_ptr<Writer> writer);
  std::unique_ptr<Writer> writer_;
};

}  // namespace braidway::dataplane
