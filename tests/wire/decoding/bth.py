"""RoCEv2: BTH, extended headers and the invariant CRC.

Source: InfiniBand Architecture Specification vol. 1, chapter 9 and annex A17.
"""
import zlib

CNP = 0x81
CLASSES = {0: "RC", 1: "UC", 3: "UD", 4: "CNP"}
_REQUESTS = {0x00: ("SEND first", ()), 0x01: ("SEND middle", ()), 0x02: ("SEND last", ()),
             0x03: ("SEND last with immediate", ("immdt",)), 0x04: ("SEND only", ()),
             0x05: ("SEND only with immediate", ("immdt",)), 0x06: ("WRITE first", ("reth",)),
             0x07: ("WRITE middle", ()), 0x08: ("WRITE last", ()), 0x09: ("WRITE last with immediate", ("immdt",)),
             0x0A: ("WRITE only", ("reth",)), 0x0B: ("WRITE only with immediate", ("reth", "immdt"))}
OPCODES = {
    **_REQUESTS, **{0x20 + opcode: what for opcode, what in _REQUESTS.items()},
    0x0C: ("READ request", ("reth",)), 0x0D: ("READ response first", ("aeth",)), 0x0E: ("READ response middle", ()),
    0x0F: ("READ response last", ("aeth",)), 0x10: ("READ response only", ("aeth",)), 0x11: ("ACK", ("aeth",)),
    0x12: ("atomic ACK", ("aeth", "atomicacketh")), 0x13: ("compare and swap", ("atomiceth",)),
    0x14: ("fetch and add", ("atomiceth",)), 0x16: ("SEND last with invalidate", ("ieth",)),
    0x17: ("SEND only with invalidate", ("ieth",)), 0x64: ("SEND only", ("deth",)),
    0x65: ("SEND only with immediate", ("deth", "immdt")), CNP: ("CNP", ())}
EXTENDED = {"reth": (("va", 8), ("rkey", 4), ("length", 4)), "aeth": (("syndrome", 1), ("msn", 3)),
            "immdt": (("data", 4),), "ieth": (("rkey", 4),),
            "atomiceth": (("va", 8), ("rkey", 4), ("swap_or_add", 8), ("compare", 8)),
            "atomicacketh": (("original", 8),), "deth": (("qkey", 4), ("reserved", 1), ("source_qp", 3))}


def icrc(ip_header, udp_to_payload):
    """The number that belongs, least significant byte first, behind the payload's padding."""
    ip, rest = bytearray(ip_header), bytearray(udp_to_payload)
    if ip[0] >> 4 == 4:
        ip[1] = ip[8] = ip[10] = ip[11] = 0xFF  # TOS, TTL, header checksum
    else:
        ip[0] |= 0x0F  # traffic class
        ip[1] = ip[2] = ip[3] = 0xFF  # traffic class, flow label
        ip[7] = 0xFF  # hop limit
    rest[6] = rest[7] = 0xFF  # UDP checksum
    rest[12] = 0xFF  # BTH: FECN, BECN and the bits beside them
    return zlib.crc32(b"\xff" * 8 + bytes(ip) + bytes(rest))


def decode(reader, ip_header, udp_header, whole):
    """The UDP payload of a RoCEv2 packet. `ip_header`, `udp_header`: as the sender wrote them, without anything that
    was added on the way. Not `whole`: the packet was cut somewhere, so nothing at its end is looked at."""
    start = reader.at
    opcode, = reader.bits("BTH opcode", 8)
    reader.demand(opcode in OPCODES, "BTH opcode", f"0x{opcode:02x} is none of those known", back=1)
    name, extended = OPCODES[opcode]
    solicited, migration, pad, version = reader.bits("BTH SE, M, Pad, TVer", 1, 1, 2, 4)
    pkey = reader.number(2, "BTH P_Key")
    fecn, becn, resv8a = reader.bits("BTH FECN, BECN, resv8a", 1, 1, 6)
    qpn = reader.number(3, "BTH DestQP")
    ack, reserved, psn = reader.bits("BTH A, reserved, PSN", 1, 7, 24)
    found = {"opcode": opcode, "name": name, "class": CLASSES[opcode >> 5], "solicited": solicited,
             "migration": migration, "pad": pad, "version": version, "pkey": pkey, "fecn": fecn, "becn": becn,
             "resv8a": resv8a, "dest_qpn": qpn, "ack_request": ack, "reserved": reserved, "psn": psn}
    for header in extended:
        found[header] = {field: reader.number(size, f"{header} {field}") for field, size in EXTENDED[header]}
    if not whole:
        return found
    size = reader.left - pad - 4
    reader.demand(size >= 0, "payload", f"{reader.left} bytes are left for {pad} of padding and 4 of ICRC")
    found["payload"] = reader.bytes(size, "payload")
    if opcode == CNP:
        reader.demand(size == 16, "CNP payload", f"{size} bytes instead of 16", back=size)
        reader.demand(not any(found["payload"]), "CNP payload", "not all zero", back=size)
    reader.bytes(pad, "padding")
    computed = icrc(ip_header, udp_header + reader.data[start:reader.at])
    stored = int.from_bytes(reader.bytes(4, "ICRC"), "little")
    reader.demand(stored == computed, "ICRC", f"0x{stored:08x} is stored, 0x{computed:08x} is right", back=4)
    found["icrc"] = stored
    return found
