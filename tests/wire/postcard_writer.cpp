// Writes postcards on chance packets for postcard_test.py: a line each, what was asked for and the datagram.
//
//   postcard-writer SEED COUNT
//   instructions node_id l1_in l1_out latency queue in_time out_time l2_in l2_out utilisation buffer packet
//   datagram                                                  (numbers in decimal, bytes in hex, "-" for
//   none)
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <vector>

#include "telemetry/postcard.hpp"

namespace {

using namespace braidway;
using namespace braidway::telemetry;

void print_hex(std::span<const std::byte> bytes) {
  if (bytes.empty()) std::printf("-");
  for (const std::byte byte : bytes) std::printf("%02x", std::to_integer<unsigned>(byte));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::mt19937_64 random(std::strtoull(argv[1], nullptr, 10));
  const auto chance = [&]<typename Number>(Number& number) {
    // A third each: not known, the largest that is, anything.
    const auto kind = random() % 3;
    number = static_cast<Number>(kind == 0 ? ~0ULL : kind == 1 ? ~1ULL : random());
  };
  ReportStream stream(9, 0xfeed);
  for (auto left = std::strtoul(argv[2], nullptr, 10); left > 0; --left) {
    HopMetadata own;
    chance(own.node_id);
    chance(own.level1_ingress);
    chance(own.level1_egress);
    chance(own.hop_latency);
    chance(own.queue);
    chance(own.ingress_time);
    chance(own.egress_time);
    chance(own.level2_ingress);
    chance(own.level2_egress);
    chance(own.egress_utilisation);
    chance(own.buffer);
    const Watch watch(static_cast<std::uint16_t>(random()));
    std::vector<std::byte> packet(random() % 200);
    for (auto& byte : packet) byte = static_cast<std::byte>(random());
    const auto type = packet.empty() ? InnerType::none : InnerType::ds_extension;
    std::vector<std::byte> memory(500);
    ReportWriter writer(memory, stream.next());
    const Postcards postcards({&watch, 1}, {.deep_queue = 1U << 23U});
    if (writer.add(postcards.postcard(watch, own, type, packet)) != ReportDefect::none) return 1;
    std::printf("%u %u %u %u %u %u %llu %llu %u %u %u %u ", watch.instructions(), own.node_id,
                own.level1_ingress, own.level1_egress, own.hop_latency, own.queue,
                static_cast<unsigned long long>(own.ingress_time),
                static_cast<unsigned long long>(own.egress_time), own.level2_ingress, own.level2_egress,
                own.egress_utilisation, own.buffer);
    print_hex(packet);
    std::printf(" ");
    print_hex(writer.payload());
    std::printf("\n");
  }
  return 0;
}
