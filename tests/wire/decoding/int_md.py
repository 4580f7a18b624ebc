"""INT-MD 2.1 over UDP, and the restoring of the packet that carried it.

Source: P4.org In-band Network Telemetry 2.1, "INT over TCP/UDP" and "INT-MD Metadata Header Format". Braidway's domain
is 0x4257; the words of its two instructions are written by the source only, at the end of the stack.
"""
from decoding.octets import known, ones_sum

HEADER_WORDS = 3
MD = 1
PORT_REPLACED, UDP_ADDED = 1, 2  # NPT
BRAIDWAY = 0x4257
ORDER_TAG, DEPARTURE = 0x8000, 0x4000
# By bitmap bit: fields and their bits.
METADATA = {0: (("node", 32),), 1: (("l1_ingress", 16), ("l1_egress", 16)), 2: (("hop_latency", 32),),
            3: (("queue", 8), ("queue_occupancy", 24)), 4: (("ingress_time", 64),), 5: (("egress_time", 64),),
            6: (("l2_ingress", 32), ("l2_egress", 32)), 7: (("tx_utilisation", 32),),
            8: (("buffer", 8), ("buffer_occupancy", 24)), **{bit: ((f"reserved_{bit}", 32),) for bit in range(9, 15)},
            15: (("checksum_complement", 32),)}


def present(bitmap, table):
    return [table[bit] for bit in range(16) if bitmap & 0x8000 >> bit]


def words(bitmap, table):
    return sum(width for fields in present(bitmap, table) for _, width in fields) // 32


def metadata(reader, bitmap, table):
    found = {}
    for fields in present(bitmap, table):
        values = reader.bits(fields[0][0], *(width for _, width in fields))
        found.update({name: known(value, width) for (name, width), value in zip(fields, values)})
    return found


def braidway_words(instruction):
    return (2 if instruction & ORDER_TAG else 0) + (1 if instruction & DEPARTURE else 0)


def braidway(reader, instruction):
    """The domain's own words. All ones have no special meaning here."""
    found = {}
    if instruction & ORDER_TAG:
        names = ("sequence", "gateway", "path", "lane", "epoch")
        found["order"] = dict(zip(names, reader.bits("order tag", 32, 16, 8, 4, 4)))
    if instruction & DEPARTURE:
        found["departure"] = reader.number(4, "departure")
    return found


def shim(reader):
    kind, npt, reserved, length = reader.bits("INT shim", 4, 2, 2, 8)
    reader.demand(kind == MD, "INT shim Type", f"{kind} instead of {MD}", back=2)
    reader.demand(npt in (PORT_REPLACED, UDP_ADDED), "INT shim NPT", f"{npt} instead of 1 or 2", back=2)
    reader.demand(reserved == 0, "INT shim reserved", f"{reserved} instead of 0", back=2)
    reader.demand(length >= HEADER_WORDS, "INT shim Length", f"{length} words cannot hold the header's 3", back=1)
    found = {"type": kind, "npt": npt, "length": length}
    if npt == PORT_REPLACED:
        found["original_port"] = reader.number(2, "INT shim original port")
    else:
        reserved, found["original_protocol"] = reader.bits("INT shim original protocol", 8, 8)
        reader.demand(reserved == 0, "INT shim byte 2", f"0x{reserved:02x} instead of 0", back=2)
    return found


def header(reader):
    version, discard, exceeded, mtu, rsv, reserved = reader.bits("INT header", 4, 1, 1, 1, 1, 8)
    reader.demand(version == 2, "INT Ver", f"{version} instead of 2", back=2)
    reader.demand(rsv == reserved == 0, "INT reserved", "not zero", back=2)
    reserved, hop_words, remaining = reader.bits("INT HopML, RemainingHopCount", 3, 5, 8)
    reader.demand(reserved == 0, "INT reserved", "not zero", back=2)
    bitmap, domain, instruction, flags = reader.bits("INT instructions", 16, 16, 16, 16)
    return {"version": version, "discard": discard, "hops_exceeded": exceeded, "mtu_exceeded": mtu,
            "hop_words": hop_words, "remaining_hops": remaining, "bitmap": bitmap, "domain": domain,
            "ds_instruction": instruction, "ds_flags": flags}


def source_words(reader, found):
    """How many words the source alone wrote; the reader stands just behind the header."""
    domain, instruction = found["domain"], found["ds_instruction"]
    if domain == BRAIDWAY:
        strange = instruction & ~(ORDER_TAG | DEPARTURE)
        reader.demand(not strange, "INT DSInstruction", f"unknown bits 0x{strange:04x}", back=4)
        reader.demand(found["ds_flags"] == 0, "INT DSFlags", f"0x{found['ds_flags']:04x} instead of 0", back=2)
    else:
        reader.demand(instruction == 0, "INT DomainSpecificID",
                      f"0x{domain:04x} is unknown, and its instructions 0x{instruction:04x} with it", back=6)
    return braidway_words(instruction)


def decode(reader):
    """Shim, header and stack at the beginning of a UDP payload; the reader is left where the original goes on."""
    found = shim(reader)
    inside = reader.part(4 * found["length"], "INT shim Length")
    found.update(header(inside))
    source, hop_words, bitmap = source_words(inside, found), found["hop_words"], found["bitmap"]
    right = words(bitmap, METADATA)
    inside.demand(hop_words == right, "INT HopML", f"{hop_words} words, bitmap 0x{bitmap:04x} has {right}", back=10)
    stack = inside.left // 4 - source
    inside.demand(stack >= 0, "INT shim Length", f"{inside.left // 4} words of stack, the source alone writes {source}",
                  back=15)
    inside.demand(stack % hop_words == 0 if hop_words else stack == 0, "INT shim Length",
                  f"{stack} words of stack are no multiple of {hop_words} a hop", back=15)
    found["hops"] = [metadata(inside, bitmap, METADATA) for _ in range(stack // hop_words if hop_words else 0)]
    found.update(braidway(inside, found["ds_instruction"]))
    return found


def restore(ip_header, extensions, udp_header, added, rest, found):
    """The packet as it was before INT was added, bytes. `added`: shim, header and stack; `rest`: what follows them."""
    ip = bytearray(ip_header)
    ipv4 = ip[0] >> 4 == 4
    if found["npt"] == UDP_ADDED:
        if found["original_protocol"] in (4, 41):
            return rest  # a tunnel: the original is the packet inside
        removed, l4 = len(udp_header) + len(added), rest
        if ipv4 or not extensions:
            ip[9 if ipv4 else 6] = found["original_protocol"]
        else:
            extensions = bytes([found["original_protocol"]]) + extensions[1:]
    else:
        removed, udp = len(added), bytearray(udp_header)
        size = int.from_bytes(udp[4:6], "big") - removed
        udp[2:4], udp[4:6] = found["original_port"].to_bytes(2, "big"), size.to_bytes(2, "big")
        if any(udp[6:8]):
            # RFC 1624, so that what was wrong before stays wrong: take away what goes, add what comes. The length
            # counts twice, in the header and in the pseudo-header.
            goes = udp_header[2:6] + udp_header[4:6] + added + udp_header[6:8]
            total = ones_sum(bytes(octet ^ 0xFF for octet in goes) + bytes(udp[2:6] + udp[4:6]))
            udp[6:8] = ((total ^ 0xFFFF) or 0xFFFF).to_bytes(2, "big")
        l4 = bytes(udp) + rest
    at = 2 if ipv4 else 4
    ip[at:at + 2] = (int.from_bytes(ip[at:at + 2], "big") - removed).to_bytes(2, "big")
    if ipv4:
        ip[10:12] = bytes(2)
        ip[10:12] = (ones_sum(ip) ^ 0xFFFF).to_bytes(2, "big")
    return bytes(ip) + extensions + l4
