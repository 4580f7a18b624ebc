"""IOAM pre-allocated traces in IPv6 Hop-by-Hop options: RFC 9197, 4.4; RFC 9486; RFC 9322 for the Active flag."""
from decoding.octets import known

OPTION = 0x31
PREALLOCATED = 0
OPAQUE_BIT, RESERVED_BIT = 22, 23
# By TraceType bit: fields and their bits.
NODE_DATA = [(("hop_limit", 8), ("node_id", 24)), (("ingress", 16), ("egress", 16)), (("seconds", 32),),
             (("fraction", 32),), (("transit_delay", 32),), (("namespace_data", 32),), (("queue_depth", 32),),
             (("checksum_complement", 32),), (("wide_hop_limit", 8), ("wide_node_id", 56)),
             (("wide_ingress", 32), ("wide_egress", 32)), (("wide_namespace_data", 64),), (("buffer_occupancy", 32),)]
NODE_DATA += [((f"undefined_{bit}", 32),) for bit in range(len(NODE_DATA), OPAQUE_BIT)]


def present(trace_type):
    return [fields for bit, fields in enumerate(NODE_DATA) if trace_type & 1 << RESERVED_BIT - bit]


def opaque(reader):
    words, schema = reader.bits("IOAM opaque snapshot", 8, 24)
    data = reader.bytes(4 * words, "IOAM opaque snapshot data")
    return {"schema": known(schema, 24), "data": data}


def node(reader, trace_type):
    found = {}
    for fields in present(trace_type):
        values = reader.bits(f"IOAM {fields[-1][0]}", *(width for _, width in fields))
        found.update({name: known(value, width) for (name, width), value in zip(fields, values)})
    if trace_type & 1 << RESERVED_BIT - OPAQUE_BIT:
        found["opaque"] = opaque(reader)
    return found


def decode(reader, header_start):
    """The data of an option 0x31, its type and length being read; the newest node comes first."""
    reader.demand((reader.at - 2 - header_start) % 4 == 0, "IOAM option", "does not start at a multiple of 4 bytes",
                  back=2)
    reserved, kind = reader.bits("IOAM reserved, option type", 8, 8)
    reader.demand(reserved == 0, "IOAM reserved", f"0x{reserved:02x} instead of 0", back=2)
    if kind != PREALLOCATED:
        return {"ioam_type": kind, "data": reader.rest()}
    namespace = reader.number(2, "IOAM namespace")
    node_words, overflow, loopback, active, flag3, remaining = reader.bits("IOAM NodeLen, Flags, RemLen",
                                                                           5, 1, 1, 1, 1, 7)
    reader.demand(flag3 == 0, "IOAM Flags", "the reserved flag is set", back=2)
    trace_type, reserved = reader.bits("IOAM TraceType, reserved", 24, 8)
    reader.demand(not trace_type & 1, "IOAM TraceType", "the reserved bit 23 is set", back=4)
    reader.demand(reserved == 0, "IOAM trace reserved", f"0x{reserved:02x} instead of 0", back=1)
    right = sum(width for fields in present(trace_type) for _, width in fields) // 32
    reader.demand(node_words == right, "IOAM NodeLen", f"{node_words} words, TraceType 0x{trace_type:06x} has {right}",
                  back=6)
    reader.demand(reader.left % 4 == 0, "IOAM option length", f"{reader.left} bytes of node data are no whole words")
    reader.demand(4 * remaining <= reader.left, "IOAM RemLen", f"{remaining} words of {reader.left} bytes", back=5)
    reader.bytes(4 * remaining, "IOAM free space")
    per_node = 4 * node_words + (4 if trace_type & 2 else 0)
    reader.demand(per_node or not reader.left, "IOAM TraceType", "0 though nodes have written")
    nodes = []
    while reader.left:
        reader.demand(reader.left >= per_node, "IOAM node data",
                      f"{reader.left} bytes are left for a node's {per_node}")
        nodes.append(node(reader, trace_type))
    return {"ioam_type": kind, "namespace": namespace, "node_words": node_words, "overflow": overflow,
            "loopback": loopback, "active": active, "remaining_words": remaining, "trace_type": trace_type,
            "nodes": nodes}
