// The XDP program of an af_xdp port: which frames go to the gateway, which stay with the kernel. Compiled
// twice:
//   steer-all     every frame (wire mode)
//   steer-rocev2  RoCEv2 and the gateway's own UDP ports; all else is the kernel's (-DBRAIDWAY_TAKE_ROCEV2)
// Two objects rather than a setting in a map, because DPDK's driver loads the object by itself: there is
// nobody to write the setting before the first frame.
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
#define INT_PORT 61791      // telemetry::int_udp_port
#define MESSAGE_PORT 61792  // telemetry::message_udp_port
#define IP_FRAGMENT 0x3fff  // more fragments, or an offset (RFC 791)
#define IP6_FRAGMENT_HEADER 44
#define MAX_VLAN_TAGS 2

struct vlan_tag {
  __be16 tci;
  __be16 next_type;
};

static __always_inline enum braidway_xdp_verdict by_udp_port(const struct udphdr* udp, const void* end) {
  if ((const void*)(udp + 1) > end) return braidway_xdp_kernel_malformed;
  switch (bpf_ntohs(udp->dest)) {
    case ROCEV2_PORT:
    case INT_PORT:
    case MESSAGE_PORT:
      return braidway_xdp_redirected;
    default:
      return braidway_xdp_kernel_other;
  }
}

static __always_inline enum braidway_xdp_verdict by_ipv4(const struct iphdr* ip, const void* end) {
  if ((const void*)(ip + 1) > end || ip->version != 4 || ip->ihl < 5) return braidway_xdp_kernel_malformed;
  if (ip->frag_off & bpf_htons(IP_FRAGMENT)) return braidway_xdp_kernel_fragment;
  if (ip->protocol != IPPROTO_UDP) return braidway_xdp_kernel_other;
  return by_udp_port((const void*)ip + ip->ihl * 4, end);
}

// Extension headers make a packet the kernel's: no RNIC writes them.
static __always_inline enum braidway_xdp_verdict by_ipv6(const struct ipv6hdr* ip, const void* end) {
  if ((const void*)(ip + 1) > end || ip->version != 6) return braidway_xdp_kernel_malformed;
  if (ip->nexthdr == IP6_FRAGMENT_HEADER) return braidway_xdp_kernel_fragment;
  if (ip->nexthdr != IPPROTO_UDP) return braidway_xdp_kernel_other;
  return by_udp_port((const void*)(ip + 1), end);
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
