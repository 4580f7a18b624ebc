#!/usr/bin/env python3
"""Writes the frames of the packet-rate harness: RoCEv2 over IPv4, as many for each of N queue pairs.

    bench/pps/frames.py --qps 10000 OUT.pcap

Every frame is 128 octets without FCS. A RoCEv2 packet behind a 14-octet Ethernet header is always 4n + 2 octets long
(the payload is padded to four), so the RC SEND_ONLY in it (68 octets of payload, IP length 112) is followed by an
Ethernet trailer of two zero octets. Header checksum and ICRC are right. Destination QPNs are distinct; a QP belongs to
one of 32 x 32 host pairs. A QP has one frame, or as many as it takes for 1,024 or more in all. Frames of different QPs
are shuffled (fixed seed), PSNs of one QP ascend: with two QPs or more no flow comes twice in a row, which is the
hardest order for whatever is looked up per flow.
"""
import argparse
import random
import struct
import sys
import zlib

FRAME_OCTETS = 128
FILE_HEADER_OCTETS = 24
HOSTS = 32          # on either side
FIRST_QPN = 0x100   # below are the well-known ones and what drivers keep for themselves
MAX_QPS = 16_000_000
RING_FRAMES = 1024  # at least so many frames, several a QP if need be: fewer would live in the first-level cache

_ETHERNET = 14
_IP_OCTETS = 112
_ICRC_AT = _ETHERNET + _IP_OCTETS - 4
_SEND_ONLY = 0x04


def frame_count(qps):
    """Frames written for so many QPs: a whole number for each."""
    return qps * max(1, -(-RING_FRAMES // qps))


def ipv4_checksum(header):
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def _pair_frame(source, destination):
    """The frame of one host pair, with QPN, PSN, source port and ICRC still zero."""
    ethernet = bytes([2, 0, 0, 0, 2, destination, 2, 0, 0, 0, 1, source, 8, 0])
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0x02, _IP_OCTETS, 0, 0x4000, 64, 17, 0,
                     bytes([10, 1, 0, source]), bytes([10, 2, 0, destination]))
    ip = ip[:10] + struct.pack("!H", ipv4_checksum(ip)) + ip[12:]
    udp = struct.pack("!HHHH", 0, 4791, _IP_OCTETS - 20, 0)
    bth = struct.pack("!BBHII", _SEND_ONLY, 0x40, 0xFFFF, 0, 0)
    payload = bytes(range(68))
    frame = bytearray(ethernet + ip + udp + bth + payload)
    return frame + bytes(FRAME_OCTETS - len(frame))


def _icrc_image(frame):
    """What the ICRC covers (IBTA annex A17): eight octets FF, then the packet with its mutable fields set to FF."""
    image = bytearray(b"\xff" * 8 + frame[_ETHERNET:_ICRC_AT])
    for at in (8 + 1, 8 + 8, 8 + 10, 8 + 11, 8 + 26, 8 + 27, 8 + 32):
        image[at] = 0xFF
    return image


def write(path, qps):
    """Writes the capture; returns the number of frames."""
    pairs = []
    for source in range(1, HOSTS + 1):
        for destination in range(1, HOSTS + 1):
            frame = _pair_frame(source, destination)
            pairs.append((frame, _icrc_image(frame)))
    order = list(range(qps))
    random.Random(4791).shuffle(order)
    record = struct.pack("<IIII", 0, 0, FRAME_OCTETS, FRAME_OCTETS)
    crc32, port_into, word_into, icrc_into = (zlib.crc32, struct.Struct("!H").pack_into, struct.Struct("!I").pack_into,
                                              struct.Struct("<I").pack_into)
    count = frame_count(qps)
    with open(path, "wb", buffering=1 << 20) as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for psn in range(count // qps):
            for index in order:
                # Multiplicative hashing (Knuth), so that a QP's hosts do not follow from its low bits.
                mixed = (index * 2654435761) & 0xFFFFFFFF
                frame, image = pairs[mixed >> 22]
                port = 0xC000 | (mixed & 0x3FFF)
                for buffer, ip_at in ((frame, _ETHERNET), (image, 8)):
                    port_into(buffer, ip_at + 20, port)
                    word_into(buffer, ip_at + 32, FIRST_QPN + index)
                    word_into(buffer, ip_at + 36, psn)
                image[8 + 32] = 0xFF  # resv8a shares the word with the QPN
                icrc_into(frame, _ICRC_AT, crc32(image))
                out.write(record)
                out.write(frame)
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qps", type=int, required=True, help=f"distinct destination QPNs, 1 to {MAX_QPS}")
    parser.add_argument("out", metavar="OUT.pcap")
    args = parser.parse_args()
    if not 1 <= args.qps <= MAX_QPS:
        parser.error(f"--qps: 1 to {MAX_QPS}")
    count = write(args.out, args.qps)
    print(f"frames: {count} frames of {FRAME_OCTETS} octets, {args.qps} QPs -> {args.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
