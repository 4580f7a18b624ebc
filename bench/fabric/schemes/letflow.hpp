// LetFlow (Vanini et al., NSDI 2017): every flowlet takes a path at random.
#pragma once

#include "bench/fabric/schemes/flowlets.hpp"
#include "bench/fabric/schemes/leaf_paths.hpp"

namespace braidway::bench::fabric {

class LetFlow final : public Scheme {
 public:
  explicit LetFlow(Fabric& fabric)
      : Scheme({.arrival = true}), fabric_(fabric), paths_(fabric), flowlets_(fabric.flows().size()) {}

  PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> /*candidates*/) override {
    return paths_.port_at(node, packet, packet.read_tag<PathNumber>());
  }
  bool on_arrival(NodeIndex node, PacketIndex index) override {
    Packet& packet = fabric_.packet(index);
    if (packet.kind != PacketKind::data || !paths_.departs(node, packet)) return false;
    packet.write_tag(flowlets_.path_of(packet.flow, fabric_.now(), [&] {
      const auto& paths = paths_.paths(paths_.pair_of(packet.source, packet.destination));
      return static_cast<PathNumber>(fabric_.random().below(static_cast<std::uint32_t>(paths.size())));
    }));
    return false;
  }

 private:
  Fabric& fabric_;
  LeafPaths paths_;
  Flowlets flowlets_;
};

}  // namespace braidway::bench::fabric
