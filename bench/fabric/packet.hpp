// A packet on its way, and the pool they all live in. Sizes follow the anchors' simulator: 1000 B of payload
// and 48 B of headers a full packet, ACK and NAK 60 B, control of schemes 64 B, PFC 43 B.
// Owner: the thread of its simulation. The pool allocates as it grows only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

inline constexpr std::uint32_t payload_bytes = 1000;
inline constexpr std::uint32_t header_bytes = 48;
inline constexpr std::uint32_t full_packet_bytes = payload_bytes + header_bytes;
inline constexpr std::uint16_t ack_bytes = 60;
inline constexpr std::uint16_t control_bytes = 64;
inline constexpr std::uint16_t pfc_bytes = 43;

/// Everything but data has the high priority: it is never paused and counted in no buffer.
enum class PacketKind : std::uint8_t { data, ack, nak, control, pfc_pause, pfc_resume };

struct Packet {
  /// Room for what a scheme writes on a packet, bytes.
  static constexpr std::size_t tag_bytes = 32;

  PacketIndex next;           ///< behind it in a queue; free for the holder while a scheme holds it
  FlowIndex flow;             ///< nobody's for PFC
  std::uint32_t sequence;     ///< data: first byte of the message; ACK, NAK: the byte expected next
  PortIndex ingress;          ///< that it entered the present switch by
  NodeIndex source;           ///< host
  NodeIndex destination;      ///< host
  std::uint16_t source_port;  ///< UDP; ECMP hashes both
  std::uint16_t destination_port;
  std::uint16_t bytes;    ///< on the wire
  std::uint16_t payload;  ///< data: bytes; NAK of selective repeat: packets missing, 0 for all
  PacketKind kind;
  bool ce;    ///< marked by a switch (ECN CE)
  bool cnp;   ///< an ACK that carries a CNP
  bool last;  ///< data: the last of its message
  std::array<std::byte, tag_bytes> tag;

  /// What a scheme wrote with write_tag; each scheme has one type of tag for each kind of packet.
  template <typename Tag>
  [[nodiscard]] Tag read_tag() const noexcept {
    static_assert(std::is_trivially_copyable_v<Tag> && sizeof(Tag) <= tag_bytes);
    Tag read;
    std::memcpy(&read, tag.data(), sizeof read);
    return read;
  }
  template <typename Tag>
  void write_tag(const Tag& written) noexcept {
    static_assert(std::is_trivially_copyable_v<Tag> && sizeof(Tag) <= tag_bytes);
    std::memcpy(tag.data(), &written, sizeof written);
  }
};
static_assert(sizeof(Packet) <= 72);

class PacketPool {
 public:
  /// A packet with all fields zero but `next` (nobody). References to others stay valid.
  PacketIndex take() {
    if (free_ == nobody) grow();
    const PacketIndex index = free_;
    Packet& packet = (*this)[index];
    free_ = packet.next;
    packet = Packet{};
    packet.next = nobody;
    ++in_use_;
    return index;
  }
  void give_back(PacketIndex index) noexcept {
    (*this)[index].next = free_;
    free_ = index;
    --in_use_;
  }

  [[nodiscard]] Packet& operator[](PacketIndex index) noexcept {
    return chunks_[index / chunk_packets][index % chunk_packets];
  }
  [[nodiscard]] const Packet& operator[](PacketIndex index) const noexcept {
    return chunks_[index / chunk_packets][index % chunk_packets];
  }
  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }

 private:
  static constexpr PacketIndex chunk_packets = 4096;

  void grow() {
    const auto first = static_cast<PacketIndex>(chunks_.size() * chunk_packets);
    chunks_.push_back(std::make_unique<Packet[]>(chunk_packets));
    for (PacketIndex i = chunk_packets; i-- > 0;) {
      chunks_.back()[i].next = free_;
      free_ = first + i;
    }
  }

  std::vector<std::unique_ptr<Packet[]>> chunks_;
  PacketIndex free_ = nobody;
  std::size_t in_use_ = 0;
};

/// Packets one behind the other, linked through Packet::next.
class PacketFifo {
 public:
  [[nodiscard]] bool empty() const noexcept { return head_ == nobody; }
  void push(PacketPool& pool, PacketIndex index) noexcept {
    pool[index].next = nobody;
    if (head_ == nobody) {
      head_ = index;
    } else {
      pool[tail_].next = index;
    }
    tail_ = index;
  }
  /// Not to be called on an empty one.
  PacketIndex pop(const PacketPool& pool) noexcept {
    const PacketIndex index = head_;
    head_ = pool[index].next;
    return index;
  }

 private:
  PacketIndex head_ = nobody;
  PacketIndex tail_ = nobody;
};

}  // namespace braidway::bench::fabric
