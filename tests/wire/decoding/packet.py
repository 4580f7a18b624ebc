"""Ethernet, IPv4, IPv6, UDP, and whatever Braidway's network carries in it, as one dictionary a packet.

Layers are keys in the order of the wire: "ethernet", "ipv4" or "ipv6", "udp", then "roce", "int", "message" or
"report". A packet that carried INT has "original", the bytes it had before, and "restored", those decoded. What is not
known is left at the last layer that is. Sources: RFC 791, RFC 8200, RFC 768, IEEE 802.1Q, and those of the modules
beside this one.
"""
import ipaddress
from typing import NamedTuple, Optional

from decoding import bth, int_md, ioam, message, report
from decoding.octets import Malformed, Reader, Short, ones_sum

IPV4, IPV6 = 0x0800, 0x86DD
TAGS = (0x8100, 0x88A8)
HOP_BY_HOP, UDP = 0, 17
ROCE_PORT = 4791
PAD1, PADN = 0, 1


class Options(NamedTuple):
    int_port: Optional[int] = 61791
    report_port: Optional[int] = None
    key: Optional[bytes] = None  # of the messages between gateways


class Ip(NamedTuple):
    """`header`: without extensions; `protocol`: what follows the extensions, None in a fragment; `end`: of the packet,
    as its length says."""
    header: bytes
    extensions: bytes
    protocol: Optional[int]
    end: int


def within(where, decode, *arguments):
    """Errors of a packet inside a packet say so: their offsets count in the packet inside."""
    try:
        return decode(*arguments)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def ipv4(reader, found, whole):
    start = reader.at
    _, words, dscp, ecn, total = reader.bits("IPv4 version, IHL, TOS, total length", 4, 4, 6, 2, 16)
    reader.demand(words >= 5, "IPv4 IHL", f"{words} words, a header has 5 at least", back=4)
    reader.demand(total >= 4 * words, "IPv4 total length", f"{total} bytes, the header alone has {4 * words}", back=2)
    reader.demand(not whole or total <= reader.left + 4, "IPv4 total length",
                  f"{total} bytes, {reader.left + 4} are there", back=2)
    identification, reserved, df, mf, offset = reader.bits("IPv4 id, flags, offset", 16, 1, 1, 1, 13)
    reader.demand(reserved == 0, "IPv4 flags", "the reserved flag is set", back=2)
    ttl, protocol, checksum = reader.bits("IPv4 TTL, protocol, checksum", 8, 8, 16)
    source, destination = (str(ipaddress.IPv4Address(reader.bytes(4, "IPv4 address"))) for _ in range(2))
    options = reader.bytes(4 * words - 20, "IPv4 options")
    header = bytes(reader.data[start:reader.at])
    right = ones_sum(header[:10] + header[12:]) ^ 0xFFFF
    if checksum != right:
        raise Malformed(start + 10, "IPv4 header checksum", f"0x{checksum:04x} is stored, 0x{right:04x} is right")
    found["ipv4"] = {"dscp": dscp, "ecn": ecn, "total_length": total, "id": identification, "df": df, "mf": mf,
                     "offset": offset, "ttl": ttl, "protocol": protocol, "checksum": checksum, "source": source,
                     "destination": destination}
    if options:
        found["ipv4"]["options"] = options
    return Ip(header, b"", None if mf or offset else protocol, start + total)


def hop_by_hop(reader):
    """(the header's dictionary, its bytes)"""
    start = reader.at
    next_header, words = reader.bits("hop-by-hop next header, length", 8, 8)
    inside, options = reader.part(8 * words + 6, "hop-by-hop length"), []
    while inside.left:
        kind = inside.number(1, "hop-by-hop option type")
        if kind == PAD1:
            continue
        size = inside.number(1, "hop-by-hop option length")
        body = inside.part(size, "hop-by-hop option length")
        if kind == ioam.OPTION:
            options.append({"option": kind, **ioam.decode(body, start)})
        elif kind != PADN:
            options.append({"option": kind, "data": body.rest()})
    return {"next_header": next_header, "options": options}, bytes(reader.data[start:reader.at])


def ipv6(reader, found, whole):
    start = reader.at
    _, dscp, ecn, label, size = reader.bits("IPv6 version, class, label, payload length", 4, 6, 2, 20, 16)
    next_header, hop_limit = reader.bits("IPv6 next header, hop limit", 8, 8)
    source, destination = (str(ipaddress.IPv6Address(reader.bytes(16, "IPv6 address"))) for _ in range(2))
    reader.demand(not whole or size <= reader.left, "IPv6 payload length", f"{size} bytes, {reader.left} are there",
                  back=36)
    found["ipv6"] = {"dscp": dscp, "ecn": ecn, "flow_label": label, "payload_length": size,
                     "next_header": next_header, "hop_limit": hop_limit, "source": source, "destination": destination}
    header, extensions, end = bytes(reader.data[start:reader.at]), b"", reader.at + size
    if next_header == HOP_BY_HOP:
        found["hop_by_hop"], extensions = hop_by_hop(reader)
        reader.demand(reader.at <= end, "hop-by-hop length", "more than IPv6 carries", back=len(extensions) - 1)
        next_header = found["hop_by_hop"]["next_header"]
    return Ip(header, extensions, next_header, end)


def bare_ip(ip):
    """The IP header as it would be without its extension headers."""
    if not ip.extensions:
        return ip.header
    size = int.from_bytes(ip.header[4:6], "big") - len(ip.extensions)
    return ip.header[:4] + size.to_bytes(2, "big") + bytes([ip.protocol]) + ip.header[7:]


def udp(reader, found, ip, whole):
    start, room = reader.at, ip.end - reader.at
    source, destination, length, checksum = reader.bits("UDP header", 16, 16, 16, 16)
    reader.demand(length == room, "UDP length", f"{length} bytes, IP carries {room}", back=4)
    if whole and checksum:
        addresses = ip.header[12:20] if ip.header[0] >> 4 == 4 else ip.header[8:40]
        pseudo = addresses + length.to_bytes(2, "big") + bytes([0, UDP])
        data = reader.data[start:reader.end]
        right = (ones_sum(pseudo + data[:6] + data[8:]) ^ 0xFFFF) or 0xFFFF
        reader.demand(checksum == right, "UDP checksum", f"0x{checksum:04x} is stored, 0x{right:04x} is right", back=2)
    found["udp"] = {"source_port": source, "destination_port": destination, "length": length, "checksum": checksum}
    return bytes(reader.data[start:reader.at])


def int_md_packet(reader, found, ip, header, options, whole):
    start = reader.at
    found["int"] = int_md.decode(reader)
    added = bytes(reader.data[start:reader.at])
    found["original"] = int_md.restore(ip.header, ip.extensions, header, added, reader.rest(), found["int"])
    inside = within("original packet", decode_ip, found["original"], options._replace(int_port=None), whole)
    if inside.get("udp", {}).get("destination_port") == options.int_port:
        raise Malformed(start, "INT", "the packet that carries it had INT already")
    found["restored"] = inside


def layers(reader, found, options, whole):
    version = Reader(reader.data, reader.at).number(1, "IP version") >> 4
    reader.demand(version in (4, 6), "IP version", f"{version} instead of 4 or 6")
    ip = (ipv4 if version == 4 else ipv6)(reader, found, whole)
    if ip.protocol != UDP:
        return ip.end
    reader = Reader(reader.data, reader.at, min(ip.end, reader.end))
    header = udp(reader, found, ip, whole)
    port = found["udp"]["destination_port"]
    if port == ROCE_PORT:
        found["roce"] = bth.decode(reader, bare_ip(ip), header, whole)
    elif port == options.int_port:
        int_md_packet(reader, found, ip, header, options, whole)
    elif whole and port == message.PORT:
        found["message"] = message.decode(reader, options.key)
    elif whole and port == options.report_port:
        found["report"] = report.decode(reader, lambda *inner: cut_packet(*inner, options))
    return ip.end


def decode_ip(data, options=Options(), whole=True):
    """An IP packet, nothing before or behind it. Not `whole`: as far as its beginning goes."""
    reader, found = Reader(data), {}
    try:
        end = layers(reader, found, options, whole)
    except Short:
        if whole:
            raise
        return found
    if whole and end != len(data):
        raise Malformed(end, "IP length", f"{len(data) - end} bytes follow the packet")
    return found


def ethernet(reader, found):
    destination, source = (reader.bytes(6, "MAC address").hex(":") for _ in range(2))
    tags, kind = [], reader.number(2, "EtherType")
    while kind in TAGS:
        priority, drop_eligible, vlan = reader.bits("VLAN tag", 3, 1, 12)
        tags.append({"tpid": kind, "priority": priority, "drop_eligible": drop_eligible, "vlan": vlan})
        kind = reader.number(2, "EtherType")
    found["ethernet"] = {"destination": destination, "source": source, "tags": tags, "type": kind}
    return kind


def decode_frame(data, options=Options(), whole=True):
    """An Ethernet frame without its FCS."""
    reader, found = Reader(data), {}
    try:
        kind = ethernet(reader, found)
        if kind not in (IPV4, IPV6):
            return found
        version = 4 if kind == IPV4 else 6
        if reader.left:
            reader.demand(data[reader.at] >> 4 == version, "IP version", f"not the {version} of EtherType 0x{kind:04x}")
        end = layers(reader, found, options, whole)
    except Short:
        if whole:
            raise
        return found
    if whole:
        found["ethernet"]["padding"] = len(data) - end
        if "int" in found and end != len(data):
            raise Malformed(end, "Ethernet padding", f"{len(data) - end} bytes, a packet with INT needs none")
    return found


def cut_packet(kind, data, at, options):
    """The packet in a report, of which there may be only the beginning."""
    if kind == "ethernet":
        return within(f"inner packet at byte {at}", decode_frame, data, options, False)
    version = 4 if kind == "ipv4" else 6
    if data[0] >> 4 != version:
        raise Malformed(at, "IP version", f"{data[0] >> 4}, InType says {version}")
    return within(f"inner packet at byte {at}", decode_ip, data, options, False)
