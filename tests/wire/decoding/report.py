"""Telemetry Report 2.0: P4.org Telemetry Report Format Specification 2.0, 2020-10-08."""
from decoding import int_md

VERSION = 2
INNER_ONLY, INT = 0, 1  # RepType
NONE, TLV, DS_EXTENSION, ETHERNET, IPV4, IPV6 = range(6)  # InType
INNER = {NONE: "none", TLV: "tlv", DS_EXTENSION: "ds", ETHERNET: "ethernet", IPV4: "ipv4", IPV6: "ipv6"}
TLV_INNER = (DS_EXTENSION, ETHERNET, IPV4, IPV6)  # by TLVType
TO_THE_END = 0xFF
METADATA = {**{bit: int_md.METADATA[bit] for bit in range(1, 9)},
            15: (("drop_queue", 8), ("drop_reason", 8), ("drop_pad", 16))}
UNKNOWN_BITS = 0xFFFF & ~sum(0x8000 >> bit for bit in METADATA)


def int_body(reader, words):
    """RepType 1 up to the inner packet; `words`: MDLength."""
    bits, domain, ds_bits, ds_status = reader.bits("report RepMdBits, DomainID, DSMdBits, DSMdstatus", 16, 16, 16, 16)
    strange = bits & UNKNOWN_BITS
    reader.demand(not strange, "report RepMdBits", f"reserved bits 0x{strange:04x}", back=8)
    if domain == int_md.BRAIDWAY:
        strange = ds_bits & ~(int_md.ORDER_TAG | int_md.DEPARTURE)
        reader.demand(not strange, "report DSMdBits", f"unknown bits 0x{strange:04x}", back=4)
    else:
        reader.demand(ds_bits == 0, "report DomainID",
                      f"0x{domain:04x} is unknown, and its metadata 0x{ds_bits:04x} with it", back=6)
    right = int_md.words(bits, METADATA) + int_md.braidway_words(ds_bits)
    reader.demand(words == right, "report MDLength", f"{words} words, the bits set have {right}", back=10)
    found = {"md_bits": bits, "domain": domain, "ds_md_bits": ds_bits, "ds_md_status": ds_status}
    found["metadata"] = int_md.metadata(reader, bits, METADATA)
    found.update(int_md.braidway(reader, ds_bits))
    return found


def tlvs(reader, decode_inner):
    found = []
    while reader.left:
        kind, reserved, words, template = reader.bits("report inner TLV", 4, 4, 8, 16)
        reader.demand(kind < len(TLV_INNER), "report TLVType", f"{kind} is none of 0 to 3", back=4)
        reader.demand(reserved == 0, "report TLV reserved", f"{reserved} instead of 0", back=4)
        what = TLV_INNER[kind]
        body = reader.part(4 * words, "report TLV length")
        found.append({"tlv_type": kind, "template": template, **inner(body, what, decode_inner)})
    return found


def inner(reader, kind, decode_inner):
    if kind == TLV:
        return {"tlvs": tlvs(reader, decode_inner)}
    start, data = reader.at, reader.rest()
    if kind == NONE:
        reader.demand(not data, "report inner", f"{len(data)} bytes though InType says none", back=len(data))
        return {}
    found = {"inner": data}
    if kind != DS_EXTENSION:
        reader.demand(data, "report inner", f"empty though InType says {INNER[kind]}")
        found["inner_headers"] = decode_inner(INNER[kind], data, start)
    return found


def individual(reader, decode_inner):
    kind, in_type, length, md_words = reader.bits("report RepType, InType, lengths", 4, 4, 8, 8)
    reader.demand(kind in (INNER_ONLY, INT), "report RepType", f"{kind} instead of 0 or 1", back=3)
    reader.demand(in_type in INNER, "report InType", f"{in_type} is none of 0 to 5", back=3)
    reader.demand(kind == INT or md_words == 0, "report MDLength",
                  f"{md_words} words though there is only an inner packet", back=1)
    dropped, congested, tracked, intermediate, reserved = reader.bits("report flags", 1, 1, 1, 1, 4)
    reader.demand(reserved == 0, "report reserved", f"{reserved} instead of 0", back=1)
    body = reader.part(reader.left if length == TO_THE_END else 4 * length, "report ReportLength")
    found = {"rep_type": kind, "in_type": in_type, "length": length, "md_length": md_words, "dropped": dropped,
             "congested_queue": congested, "tracked_flow": tracked, "intermediate": intermediate}
    if kind == INT:
        found.update(int_body(body, md_words))
    found.update(inner(body, in_type, decode_inner))
    return found


def decode(reader, decode_inner):
    """`decode_inner(kind, data, offset)` reads as much of a cut packet ("ethernet", "ipv4" or "ipv6") as is there."""
    version, hardware, sequence = reader.bits("report group header", 4, 6, 22)
    reader.demand(version == VERSION, "report Ver", f"{version} instead of {VERSION}", back=4)
    found = {"version": version, "hw_id": hardware, "sequence": sequence, "node": reader.number(4, "report node_id")}
    reports = []
    while reader.left or not reports:
        reports.append(individual(reader, decode_inner))
    return {**found, "reports": reports}
