// The XDP program of an af_xdp port: which frames go to the gateway, which stay with the kernel. Compiled
// twice:
//   steer-all     every frame (wire mode)
//   steer-rocev2  RoCEv2 and what gateways write; all else is the kernel's (-DBRAIDWAY_TAKE_ROCEV2)
// Two objects rather than a setting in a map, because DPDK's driver loads the object by itself: there is
// nobody to write the setting before the first frame. The ports of what gateways write are constants that are
// written into the object before the driver opens it (attachment.cpp).
//
// What gateways write, tagged packets and messages, is told as the gateway itself tells it
// (telemetry/int_md.hpp, check_int_header; telemetry/message.hpp, check_form): by port and by a right header
// of a whole packet, both. Other traffic to those ports is the kernel's. From a host port it is taken as
// well: the gateway drops it under its name; the kernel might forward it.
//
// A frame for the gateway whose receive queue has no socket is dropped and counted. To hand it to the kernel
// would be worse: RoCE that reaches a kernel with soft-RoCE, or one that forwards, is answered or leaves by a
// way nobody chose.
//
// In steer-rocev2 whatever is not surely the gateway's is the kernel's, malformed frames too: they are not
// ours to judge. All fragments are the kernel's, the first with its UDP header as well: the others have none,
// and a datagram that is torn between the gateway and the kernel can be put together by neither. RoCEv2
// senders do not fragment.
// clang-format off
#include <linux/bpf.h>  // before libbpf's headers, which need its types
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#include "dataplane/xdp/verdicts.h"

struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __type(key, __u32);
  __type(value, __u32);
  __uint(max_entries, BRAIDWAY_XDP_MAX_QUEUES);
} xsks_map SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, braidway_xdp_verdict_count);
} BRAIDWAY_XDP_COUNTERS SEC(".maps");

#ifdef BRAIDWAY_TAKE_ROCEV2

#define ROCEV2_PORT 4791    // telemetry::rocev2_udp_port
#define IP_FRAGMENT 0x3fff  // more fragments, or an offset (RFC 791)
#define IP6_FRAGMENT_HEADER 44
#define MAX_VLAN_TAGS 2

struct vlan_tag {
  __be16 tci;
  __be16 next_type;
};

// In .rodata, at a place that the build finds by this name (embed.py).
const volatile struct braidway_xdp_ports braidway_own_ports = {.int_md = 61791,    // telemetry::int_udp_port
                                                               .message = 61792};  // ..._message_udp_port

// Shim and INT-MD header (INT 2.1, "INT over TCP/UDP", "INT-MD Metadata Header Format").
struct int_header {
  __u8 type_npt;  // type(4) NPT(2) reserved(2)
  __u8 length;    // words behind the shim
  __be16 original_port;
  __u8 version;  // (4), D, E, M, reserved
  __u8 reserved;
  __u8 hop_words;  // reserved(3) HopML(5)
  __u8 remaining_hops;
  __be16 bitmap;
  __be16 domain;
  __be16 ds_instruction;
  __be16 ds_flags;
};

#define INT_SHIM_BYTES 4
#define INT_TYPE_MD 1
#define INT_VERSION 2
#define NPT_PORT 1
#define NPT_TUNNEL 2
#define INT_DOMAIN 0x4257               // telemetry::int_domain
#define ORDER_WORDS_INSTRUCTION 0xc000  // telemetry::order_words_instruction
#define FIXED_WORDS 6                   // INT-MD header and order words
#define TWO_WORD_BITS 0x0e00            // telemetry::int_two_word_bits
#define BTH_AND_ICRC_BYTES 16

static __always_inline bool is_tagged(const struct int_header* header, __u32 udp_bytes, const void* end) {
  if ((const void*)(header + 1) > end) return false;
  const __u32 npt = header->type_npt >> 2 & 3;
  const __u32 words = header->length;
  const __u32 hop_words = header->hop_words & 0x1f;
  const __u32 bitmap = bpf_ntohs(header->bitmap);
  const __u32 int_bytes = sizeof(struct udphdr) + INT_SHIM_BYTES + 4 * words;
  if (header->type_npt >> 4 != INT_TYPE_MD || header->version >> 4 != INT_VERSION) return false;
  if (npt != NPT_PORT && npt != NPT_TUNNEL) return false;
  if (header->domain != bpf_htons(INT_DOMAIN)) return false;
  if (header->ds_instruction != bpf_htons(ORDER_WORDS_INSTRUCTION)) return false;
  if (words < FIXED_WORDS || int_bytes > udp_bytes) return false;
  const int asked_for = __builtin_popcount(bitmap) + __builtin_popcount(bitmap & TWO_WORD_BITS);
  if (hop_words != (__u32)asked_for) return false;
  if (words != FIXED_WORDS && (hop_words == 0 || (words - FIXED_WORDS) % hop_words != 0)) return false;
  // Only RoCEv2 is tagged. What is in a tunnel the gateway looks at.
  if (npt == NPT_TUNNEL) return true;
  return header->original_port == bpf_htons(ROCEV2_PORT) && int_bytes + BTH_AND_ICRC_BYTES <= udp_bytes;
}

struct message_header {
  __u8 version;
  __u8 type;
  __be16 length;  // of the whole UDP payload
};

#define MESSAGE_VERSION 1        // telemetry::message_version
#define MESSAGE_PROBE 1          // telemetry::MessageType
#define MESSAGE_FEEDBACK 2       //
#define LEAST_MESSAGE_BYTES 52   // telemetry::probe_bytes
#define MOST_MESSAGE_BYTES 1200  // telemetry::most_message_bytes

static __always_inline bool is_message(const struct message_header* message, __u32 bytes, const void* end) {
  if ((const void*)(message + 1) > end) return false;
  return message->version == MESSAGE_VERSION &&
         (message->type == MESSAGE_PROBE || message->type == MESSAGE_FEEDBACK) &&
         bpf_ntohs(message->length) == bytes && bytes >= LEAST_MESSAGE_BYTES && bytes <= MOST_MESSAGE_BYTES;
}

// `room`: what the IP packet has for UDP; 0 where it is not as gateways write it.
static __always_inline bool is_of_a_gateway(const struct udphdr* udp, __u32 room, const void* end) {
  const __u32 bytes = bpf_ntohs(udp->len);
  if (bytes != room || bytes < sizeof(*udp) || bytes > end - (const void*)udp) return false;
  const __u16 port = bpf_ntohs(udp->dest);
  if (port == braidway_own_ports.int_md) return is_tagged((const void*)(udp + 1), bytes, end);
  return port == braidway_own_ports.message && is_message((const void*)(udp + 1), bytes - sizeof(*udp), end);
}

static __always_inline enum braidway_xdp_verdict by_udp(const struct udphdr* udp, __u32 room,
                                                        const void* end) {
  if ((const void*)(udp + 1) > end) return braidway_xdp_kernel_malformed;
  if (udp->dest == bpf_htons(ROCEV2_PORT) || is_of_a_gateway(udp, room, end)) return braidway_xdp_redirected;
  return braidway_xdp_kernel_other;
}

static __always_inline enum braidway_xdp_verdict by_ipv4(const struct iphdr* ip, const void* end) {
  if ((const void*)(ip + 1) > end || ip->version != 4 || ip->ihl < 5) return braidway_xdp_kernel_malformed;
  if (ip->frag_off & bpf_htons(IP_FRAGMENT)) return braidway_xdp_kernel_fragment;
  if (ip->protocol != IPPROTO_UDP) return braidway_xdp_kernel_other;
  const __u32 bytes = bpf_ntohs(ip->tot_len);
  const bool plain = ip->ihl == 5 && bytes >= sizeof(*ip);
  return by_udp((const void*)ip + ip->ihl * 4, plain ? bytes - sizeof(*ip) : 0, end);
}

// Extension headers make a packet the kernel's: no RNIC writes them.
static __always_inline enum braidway_xdp_verdict by_ipv6(const struct ipv6hdr* ip, const void* end) {
  if ((const void*)(ip + 1) > end || ip->version != 6) return braidway_xdp_kernel_malformed;
  if (ip->nexthdr == IP6_FRAGMENT_HEADER) return braidway_xdp_kernel_fragment;
  if (ip->nexthdr != IPPROTO_UDP) return braidway_xdp_kernel_other;
  return by_udp((const void*)(ip + 1), bpf_ntohs(ip->payload_len), end);
}

static __always_inline enum braidway_xdp_verdict classify(const struct xdp_md* ctx) {
  const void* end = (const void*)(long)ctx->data_end;
  const struct ethhdr* eth = (const void*)(long)ctx->data;
  if ((const void*)(eth + 1) > end) return braidway_xdp_kernel_malformed;
  __be16 type = eth->h_proto;
  const void* next = eth + 1;
#pragma unroll
  for (int tags = 0; tags < MAX_VLAN_TAGS; ++tags) {
    if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD)) break;
    const struct vlan_tag* tag = next;
    if ((const void*)(tag + 1) > end) return braidway_xdp_kernel_malformed;
    type = tag->next_type;
    next = tag + 1;
  }
  if (type == bpf_htons(ETH_P_IP)) return by_ipv4(next, end);
  if (type == bpf_htons(ETH_P_IPV6)) return by_ipv6(next, end);
  return braidway_xdp_kernel_other;
}

#else

static __always_inline enum braidway_xdp_verdict classify(const struct xdp_md* ctx) {
  (void)ctx;
  return braidway_xdp_redirected;
}

#endif

static __always_inline int count(enum braidway_xdp_verdict verdict, int action) {
  __u32 key = verdict;
  __u64* counter = bpf_map_lookup_elem(&BRAIDWAY_XDP_COUNTERS, &key);
  if (counter) ++*counter;  // this CPU's own
  return action;
}

SEC("xdp")
int BRAIDWAY_XDP_PROGRAM(struct xdp_md* ctx) {
  const enum braidway_xdp_verdict verdict = classify(ctx);
  if (verdict != braidway_xdp_redirected) return count(verdict, XDP_PASS);
  // The last argument is what the helper returns where the map holds no socket (Linux 5.3).
  const int action = (int)bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_DROP);
  return count(action == XDP_REDIRECT ? braidway_xdp_redirected : braidway_xdp_dropped_unbound, action);
}

char _license[] SEC("license") = "Dual BSD/GPL";
