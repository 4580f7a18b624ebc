#include "dataplane/replay.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <unistd.h>

#include <rte_mbuf.h>

#include "dataplane/eal.hpp"
#include "dataplane/handoff_rings.hpp"
#include "dataplane/mempool.hpp"
#include "dataplane/pcap_file.hpp"
#include "dataplane/peer_link.hpp"
#include "dataplane/ring_port.hpp"
#include "dataplane/wiring.hpp"

namespace braidway::dataplane {
namespace {

using Outcome = tl::expected<void, std::string>;

constexpr std::uint32_t replay_memory_mib = 256;
constexpr std::uint32_t replay_mbufs = 8192;
constexpr std::uint64_t ns_per_ms = 1'000'000;

/// How finely time passes while a worker holds packets back.
constexpr std::uint64_t step_ns = 10'000;

/// An input and its frame that is next in time.
struct Stream {
  ReplayInput input;
  PcapReader reader;
  CapturedFrame head;
  std::uint64_t due_ns = 0;  ///< when the head arrives
};

/// Copies a frame into buffers: one, or a chain for frames beyond the MTU.
rte_mbuf* buffers_of(std::span<const std::byte> frame, rte_mempool* pool) {
  rte_mbuf* first = rte_pktmbuf_alloc(pool);
  rte_mbuf* last = first;
  while (last != nullptr && !frame.empty()) {
    const auto bytes = std::min<std::size_t>(frame.size(), rte_pktmbuf_tailroom(last));
    std::copy_n(frame.data(), bytes,
                reinterpret_cast<std::byte*>(rte_pktmbuf_append(last, static_cast<std::uint16_t>(bytes))));
    frame = frame.subspan(bytes);
    if (last != first) {
      first->pkt_len += static_cast<std::uint32_t>(bytes);
    }
    if (!frame.empty()) {
      last->next = rte_pktmbuf_alloc(pool);
      last = last->next;
      first->nb_segs = static_cast<std::uint16_t>(first->nb_segs + 1);
    }
  }
  if (last == nullptr) {
    rte_pktmbuf_free(first);
    return nullptr;
  }
  return first;
}

/// The receive queue that a NIC spreading by UDP source port would choose.
std::uint16_t queue_of(std::span<const std::byte> frame, std::uint16_t queues) {
  const auto parsed = parse_frame(frame.first(std::min(frame.size(), parsed_header_bytes)), frame.size());
  if (queues == 1 || parsed.l4_offset == 0) {
    return 0;
  }
  const auto high = static_cast<unsigned>(frame[parsed.l4_offset]);
  const auto low = static_cast<unsigned>(frame[parsed.l4_offset + 1U]);
  return static_cast<std::uint16_t>((high << 8U | low) % queues);
}

GatewaySettings by_itself(GatewaySettings settings) {
  settings.reports.reset();
  for (PeerSettings& peer : settings.peers) {
    peer.messages.reset();
  }
  return settings;
}

/// A gateway of rings around the real workers.
class Replay {
 public:
  Replay(const GatewaySettings& settings, const std::vector<ReplayPath>& paths)
      : settings_(by_itself(settings)),
        paths_(paths),
        up_(true),
        link_(settings_.peers.front(), settings_.workers.size(), settings_.memory.flows) {}

  Outcome build(const std::string& folder) {
    const EalSettings eal{.name = "braidway-replay-" + std::to_string(getpid()),
                          .worker_cores = {},
                          .control_cores = {},
                          .pci_devices = {},
                          .memory_mib = replay_memory_mib,
                          .hugepages = false,
                          .telemetry = false};
    auto started = Eal::start(eal);
    if (!started) {
      return tl::unexpected(started.error());
    }
    eal_.emplace(std::move(*started));
    auto pool = create_mempool("replay", replay_mbufs, data_room_for(9600), SOCKET_ID_ANY);
    if (!pool) {
      return tl::unexpected(pool.error());
    }
    pool_ = std::move(*pool);
    auto rings = HandoffRings::create(settings_, SOCKET_ID_ANY);
    if (!rings) {
      return tl::unexpected(rings.error());
    }
    rings_ = std::make_unique<HandoffRings>(std::move(*rings));
    return build_ports(folder).map([this] { build_workers(); });
  }

  Outcome run(const std::vector<ReplayInput>& inputs) {
    std::vector<Stream> streams;
    for (const auto& input : inputs) {
      auto reader = PcapReader::open(input.file);
      if (!reader) {
        return tl::unexpected(reader.error());
      }
      streams.push_back({.input = input, .reader = std::move(*reader), .head = {}});
      if (auto read = advance(streams, streams.size() - 1); !read) {
        return read;
      }
    }
    for (const auto& stream : streams) {
      begin_ns_ = std::min(begin_ns_, stream.head.when_ns);
    }
    while (!streams.empty()) {
      // Ties go to the input named first.
      const auto next = std::ranges::min_element(streams, {}, &Stream::due_ns);
      pass_time(next->due_ns);
      if (auto carried = carry(next->input.port, next->head, next->due_ns); !carried) {
        return tl::unexpected(next->input.file + ": " + carried.error());
      }
      if (auto read = advance(streams, static_cast<std::size_t>(next - streams.begin())); !read) {
        return read;
      }
    }
    pass_time(std::numeric_limits<std::uint64_t>::max());
    for (auto& writer : writers_) {
      if (auto written = writer.flush(); !written) {
        return written;
      }
    }
    return {};
  }

  ReplayResult result() const {
    return {.ports = counts_, .statistics = collect(workers_, settings_.peers.front())};
  }

 private:
  /// Reads a stream's next frame, or takes the stream away at its end.
  Outcome advance(std::vector<Stream>& streams, std::size_t index) {
    auto frame = streams[index].reader.next();
    if (!frame) {
      return tl::unexpected(frame.error());
    }
    if (const auto& head = *frame; head.has_value()) {
      streams[index].head = *head;
      streams[index].due_ns = head->when_ns + paths_[streams[index].input.port].delay_ns;
    } else {
      streams.erase(streams.begin() + static_cast<std::ptrdiff_t>(index));
    }
    return {};
  }

  Outcome build_ports(const std::string& folder) {
    const auto lanes = static_cast<std::uint16_t>(settings_.workers.size());
    taps_ = std::vector<CaptureTap>(settings_.ports.size());
    counts_.resize(settings_.ports.size());
    for (std::size_t i = 0; i < settings_.ports.size(); ++i) {
      const PortSettings& of = settings_.ports[i];
      auto port = RingPort::create("replay" + std::to_string(i), of.queues, lanes, pool_.get());
      if (!port) {
        return tl::unexpected(port.error());
      }
      ports_.push_back(std::move(*port));
      auto writer = PcapWriter::create((std::filesystem::path(folder) / (of.name + ".pcap")).string());
      if (!writer) {
        return tl::unexpected(writer.error());
      }
      writers_.push_back(std::move(*writer));
    }
    return {};
  }

  void build_workers() {
    std::vector<WiredPort> wired;
    wired.reserve(ports_.size());
    for (std::size_t i = 0; i < ports_.size(); ++i) {
      wired.push_back({.port_id = ports_[i]->id(),
                       .max_frame_bytes = max_frame_bytes_for(settings_.ports[i].mtu),
                       .flat_only = false,
                       .up = &up_,
                       .tap = &taps_[i]});
    }
    table_ = std::make_unique<PublishedTable>(
        static_cast<unsigned>(settings_.workers.size()),
        std::make_unique<const lb::PathTable>(first_path_table(settings_, wired)));
    for (auto& wiring : wire_workers(settings_, wired, {.rings = *rings_, .link = link_}, ns_per_ms)) {
      workers_.push_back(std::make_unique<Worker>(std::move(wiring), Idle::poll, *table_));
    }
  }

  /// Until then, or until no worker holds a packet back: what goes by time goes at its time.
  void pass_time(std::uint64_t until_ns) {
    const auto holds = [](const auto& worker) { return worker->holding() > 0; };
    while (std::ranges::any_of(workers_, holds) && until_ns > now_ns_ + step_ns) {
      turn_all(now_ns_ + step_ns);
    }
  }

  void turn_all(std::uint64_t now_ns) {
    now_ns_ = now_ns;
    bool moved = true;
    while (moved) {
      moved = false;
      for (const auto& worker : workers_) {
        moved |= worker->turn(now_ns);
      }
      // A port of rings is full after a few bursts.
      for (std::size_t i = 0; i < ports_.size(); ++i) {
        moved |= write_out(i, now_ns);
      }
    }
  }

  [[nodiscard]] bool is_lost(std::size_t port, const CapturedFrame& frame) const {
    const ReplayPath& path = paths_[port];
    const bool cut = path.cut_ns && frame.when_ns >= begin_ns_ + *path.cut_ns;
    // The same for the same input: a hash of the port and the frame's number on it.
    const lb::FlowKey name{{port, counts_[port].received + counts_[port].lost}};
    return cut || static_cast<double>(lb::hash(name, 0) >> 11U) * 0x1p-53 < path.loss;
  }

  /// One frame in, everything that comes of it out, at the time when it arrives.
  Outcome carry(std::size_t port, const CapturedFrame& frame, std::uint64_t due_ns) {
    if (is_lost(port, frame)) {
      ++counts_[port].lost;
      return {};
    }
    rte_mbuf* packet = buffers_of(frame.bytes, pool_.get());
    if (packet == nullptr) {
      return tl::unexpected<std::string>("no packet buffers left");
    }
    ++counts_[port].received;
    rte_ring_enqueue(ports_[port]->incoming(queue_of(frame.bytes, settings_.ports[port].queues)), packet);
    // Captures may go back in time; workers do not.
    turn_all(std::max(due_ns, now_ns_));
    return {};
  }

  /// Whether there was anything.
  bool write_out(std::size_t port, std::uint64_t when_ns) {
    const std::uint64_t before = counts_[port].transmitted;
    const auto queues = static_cast<std::uint16_t>(workers_.size());
    for (std::uint16_t queue = 0; queue < queues; ++queue) {
      void* object = nullptr;
      while (rte_ring_dequeue(ports_[port]->outgoing(queue), &object) == 0) {
        auto* packet = static_cast<rte_mbuf*>(object);
        scratch_.resize(packet->pkt_len);
        const auto* data =
            static_cast<const std::byte*>(rte_pktmbuf_read(packet, 0, packet->pkt_len, scratch_.data()));
        writers_[port].write(when_ns, {data, packet->pkt_len});
        ++counts_[port].transmitted;
        rte_pktmbuf_free(packet);
      }
    }
    return counts_[port].transmitted > before;
  }

  const GatewaySettings settings_;
  const std::vector<ReplayPath>& paths_;  ///< by port index
  std::uint64_t begin_ns_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t now_ns_ = 0;
  std::atomic<bool> up_;
  std::optional<Eal> eal_;
  Mempool pool_;
  std::unique_ptr<HandoffRings> rings_;
  std::vector<std::unique_ptr<RingPort>> ports_;
  std::vector<CaptureTap> taps_;
  std::vector<PcapWriter> writers_;
  std::unique_ptr<PublishedTable> table_;
  PeerLink link_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<ReplayedPort> counts_;
  std::vector<std::byte> scratch_;
};

}  // namespace

tl::expected<ReplayResult, std::string> replay(const GatewaySettings& settings,
                                               const std::vector<ReplayInput>& inputs,
                                               const std::vector<ReplayPath>& paths,
                                               const std::string& folder) {
  Replay run(settings, paths);
  return run.build(folder).and_then([&] { return run.run(inputs); }).map([&] { return run.result(); });
}

}  // namespace braidway::dataplane
