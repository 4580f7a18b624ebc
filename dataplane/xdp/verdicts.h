/* What the steering program decides about a frame, by which names it is known in the kernel, and what is set
 * in it. Shared by the BPF program (C) and the gateway (C++), so that the order of the counters and of the
 * ports is written once. */
#ifndef BRAIDWAY_DATAPLANE_XDP_VERDICTS_H
#define BRAIDWAY_DATAPLANE_XDP_VERDICTS_H

/* X(name, meaning): the name is also the counter's in the API. */
#define BRAIDWAY_XDP_VERDICTS(X)                                                            \
  X(redirected, "given to the gateway")                                                     \
  X(dropped_unbound, "for the gateway, but no AF_XDP socket on its receive queue: dropped") \
  X(kernel_other, "not for the gateway: left to the kernel")                                \
  X(kernel_fragment, "an IP fragment: left to the kernel")                                  \
  X(kernel_malformed, "too short for the headers it announces: left to the kernel")

/* A C enum, named as C names it. */
/* NOLINTNEXTLINE(performance-enum-size,readability-identifier-naming) */
enum braidway_xdp_verdict {
#define BRAIDWAY_XDP_ENUM(name, meaning) braidway_xdp_##name,
  BRAIDWAY_XDP_VERDICTS(BRAIDWAY_XDP_ENUM)
#undef BRAIDWAY_XDP_ENUM
      braidway_xdp_verdict_count
};

/* The identity of our program: both names together. The kernel keeps 15 characters of a name. */
#define BRAIDWAY_XDP_PROGRAM braidway_steer
#define BRAIDWAY_XDP_COUNTERS braidway_counts

/* UDP destination ports of what gateways write, in host byte order. */
struct braidway_xdp_ports { /* NOLINT(readability-identifier-naming): as the enum */
  unsigned short int_md;    /* tagged packets */
  unsigned short message;   /* messages between gateways */
};

/* Sockets by receive queue. DPDK's AF_XDP driver finds the map by the name xsks_map. */
#define BRAIDWAY_XDP_MAX_QUEUES 64

#endif
