#include "bench/fabric/schemes/conga.hpp"

#include <algorithm>
#include <cmath>

namespace braidway::bench::fabric {

Conga::Conga(Fabric& fabric)
    : Scheme({.arrival = true, .enqueue = true}),
      fabric_(fabric),
      paths_(fabric),
      flowlets_(fabric.flows().size()),
      estimates_(fabric.topology().port_count()) {
  const std::uint32_t pairs = paths_.leaf_count() * paths_.leaf_count();
  for (std::uint32_t pair = 0; pair < pairs; ++pair) to_leaf_.emplace_back(paths_.paths(pair).size());
  from_leaf_ = to_leaf_;
}

PortIndex Conga::choose(NodeIndex node, Packet& packet, std::span<const PortIndex> /*candidates*/) {
  return paths_.port_at(node, packet, packet.read_tag<Tag>().path);
}

bool Conga::on_arrival(NodeIndex node, PacketIndex index) {
  Packet& packet = fabric_.packet(index);
  if (packet.kind != PacketKind::data) return false;
  if (paths_.departs(node, packet)) {
    depart(packet);
  } else if (paths_.arrives(node, packet)) {
    arrive(packet);
  }
  return false;
}

void Conga::depart(Packet& packet) {
  const std::uint32_t pair = paths_.pair_of(packet.source, packet.destination);
  Tag tag{};
  tag.path = flowlets_.path_of(packet.flow, fabric_.now(), [&] { return best_path(pair); });
  const auto& back = from_leaf_[paths_.pair_of(packet.destination, packet.source)];
  const auto fresh = [&](const Load& load) { return load.is_fresh(fabric_.now()); };
  const auto known = static_cast<std::uint32_t>(std::ranges::count_if(back, fresh));
  if (known > 0) {
    std::uint32_t left = fabric_.random().below(known);
    const auto told =
        std::ranges::find_if(back, [&](const Load& load) { return fresh(load) && left-- == 0; });
    tag.tells = true;
    tag.told_path = static_cast<PathNumber>(told - back.begin());
    tag.told_load = told->level;
  }
  packet.write_tag(tag);
}

void Conga::arrive(const Packet& packet) {
  const Tag tag = packet.read_tag<Tag>();
  from_leaf_[paths_.pair_of(packet.source, packet.destination)][tag.path] = {tag.load, fabric_.now()};
  if (!tag.tells) return;
  to_leaf_[paths_.pair_of(packet.destination, packet.source)][tag.told_path] = {tag.told_load, fabric_.now()};
}

void Conga::on_enqueue(PortIndex port, Packet& packet) {
  if (!fabric_.topology().is_switch[fabric_.port(port).peer_node]) return;
  decayed(port).bytes += packet.bytes;
  Tag tag = packet.read_tag<Tag>();
  tag.load = std::max(tag.load, load_of(port));
  packet.write_tag(tag);
}

PathNumber Conga::best_path(std::uint32_t pair) {
  const auto& paths = paths_.paths(pair);
  std::uint32_t least = nobody;
  std::uint32_t ties = 0;
  PathNumber best = 0;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Load& told = to_leaf_[pair][i];
    const std::uint32_t remote = told.is_fresh(fabric_.now()) ? told.level : 0;
    const std::uint32_t load = std::max(load_of(paths[i].ports[0]), remote);
    ties = load < least ? 1 : ties + (load == least ? 1 : 0);
    // The n-th of equals displaces those before it with probability 1/n: all are as likely in the end.
    if (load < least || (load == least && fabric_.random().below(ties) == 0))
      best = static_cast<PathNumber>(i);
    least = std::min(least, load);
  }
  return best;
}

Conga::Estimate& Conga::decayed(PortIndex port) noexcept {
  Estimate& estimate = estimates_[port];
  const std::int64_t interval = fabric_.now() / dre_interval;
  if (interval > estimate.interval) {
    estimate.bytes *= std::pow(1 - dre_alpha, static_cast<double>(interval - estimate.interval));
    estimate.interval = interval;
  }
  return estimate;
}

std::uint32_t Conga::load_of(PortIndex port) noexcept {
  const double full = static_cast<double>(fabric_.port(port).rate) / 8 * dre_interval * 1e-9 / dre_alpha;
  return static_cast<std::uint32_t>(decayed(port).bytes / full * load_levels);
}

}  // namespace braidway::bench::fabric
