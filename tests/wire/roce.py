"""Captures and RoCEv2 for the Python tests: pcap in and out, flow keys, invariant CRCs.

Written from the specifications alone and sharing nothing with the gateway's own code, so that both cannot be wrong in
the same way. Sources: pcap-savefile(5); InfiniBand Architecture Specification vol. 1, 9.2 (BTH) and annex A17
(RoCEv2, ICRC).
"""
import ipaddress
import struct
import zlib
from typing import Iterable, NamedTuple, Optional

ROCEV2_PORT = 4791
VLAN_TYPES = (0x8100, 0x88A8)
ETHERNET = 1  # pcap's link type


class Frame(NamedTuple):
    seconds: int
    fraction: int  # micro- or nanoseconds, as the file says
    data: bytes


class Flow(NamedTuple):
    source: str
    destination: str
    dest_qpn: int

    def __str__(self) -> str:
        return f"{self.source} -> {self.destination} qpn 0x{self.dest_qpn:06x}"


class Roce(NamedTuple):
    flow: Flow
    opcode: int
    psn: int
    icrc_stored: int
    icrc_computed: int

    @property
    def icrc_right(self) -> bool:
        return self.icrc_stored == self.icrc_computed


class CaptureError(Exception):
    pass


def read_frames(path) -> list[Frame]:
    """Every frame of a pcap file; a file that is cut short or was captured with a snap length is an error."""
    with open(path, "rb") as file:
        data = file.read()
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
    if data[:4] not in order:
        raise CaptureError(f"{path}: not a pcap file")
    if len(data) < 24:
        raise CaptureError(f"{path}: cut short in the file's header")
    link, = struct.unpack_from(order[data[:4]] + "I", data, 20)
    if link & 0xFFFF != ETHERNET:
        raise CaptureError(f"{path}: link type {link & 0xFFFF} is not Ethernet")
    header = order[data[:4]] + "IIII"
    frames, at = [], 24
    while at < len(data):
        if at + 16 > len(data):
            raise CaptureError(f"{path}: cut short in a record header at byte {at}")
        seconds, fraction, captured, original = struct.unpack_from(header, data, at)
        if captured != original:
            raise CaptureError(f"{path}: frame {len(frames) + 1} was captured in part ({captured} of {original})")
        if at + 16 + captured > len(data):
            raise CaptureError(f"{path}: cut short in frame {len(frames) + 1}")
        frames.append(Frame(seconds, fraction, data[at + 16:at + 16 + captured]))
        at += 16 + captured
    return frames


def write_frames(path, frames: Iterable[Frame]) -> None:
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            size = len(frame.data)
            file.write(struct.pack("<IIII", frame.seconds, frame.fraction, size, size) + frame.data)


def parse(data: bytes) -> Optional[Roce]:
    """The RoCEv2 packet in an Ethernet frame, or None if it holds none."""
    at = 12
    while len(data) >= at + 4 and int.from_bytes(data[at:at + 2], "big") in VLAN_TYPES:
        at += 4
    ethertype = int.from_bytes(data[at:at + 2], "big")
    packet = data[at + 2:]
    if ethertype == 0x0800 and len(packet) >= 20:
        header = (packet[0] & 15) * 4
        if packet[9] != 17 or header < 20 or int.from_bytes(packet[6:8], "big") & 0x3FFF:
            return None
        ip = bytearray(packet[:header])
        l4 = bytearray(packet[header:int.from_bytes(packet[2:4], "big")])
        source, destination = packet[12:16], packet[16:20]
        ip[1] = ip[8] = 0xFF  # TOS, TTL
        ip[10:12] = b"\xff\xff"  # checksum
    elif ethertype == 0x86DD and len(packet) >= 40:
        if packet[6] != 17:
            return None
        ip = bytearray(packet[:40])
        l4 = bytearray(packet[40:40 + int.from_bytes(packet[4:6], "big")])
        source, destination = packet[8:24], packet[24:40]
        ip[0] |= 0x0F  # traffic class
        ip[1:4] = b"\xff\xff\xff"  # traffic class, flow label
        ip[7] = 0xFF  # hop limit
    else:
        return None
    if len(l4) < 8 + 12 + 4 or int.from_bytes(l4[2:4], "big") != ROCEV2_PORT:
        return None
    opcode, qpn, psn = l4[8], int.from_bytes(l4[13:16], "big"), int.from_bytes(l4[17:20], "big")
    l4[6:8] = b"\xff\xff"  # UDP checksum
    l4[12] = 0xFF  # FECN, BECN, reserved
    stored = int.from_bytes(l4[-4:], "little")
    computed = zlib.crc32(b"\xff" * 8 + bytes(ip) + bytes(l4[:-4]))
    flow = Flow(str(ipaddress.ip_address(source)), str(ipaddress.ip_address(destination)), qpn)
    return Roce(flow, opcode, psn, stored, computed)
