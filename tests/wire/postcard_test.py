#!/usr/bin/env python3
"""Postcards on chance packets, read by the decoder that shares nothing with their writer.

postcard_test.py POSTCARD_WRITER
"""
import subprocess
import sys
import unittest

import golden

COUNT, SEEDS = 500, (1, 2)
KNOWN_BITS = 0x7F80  # of INT's instructions those that reports have, too (wire formats, 1.4)
NUMBERS = {"node_id": 32, "l1_ingress": 16, "l1_egress": 16, "hop_latency": 32, "queue": 32, "ingress_time": 64,
           "egress_time": 64, "l2_ingress": 32, "l2_egress": 32, "tx_utilisation": 32, "buffer": 32}
# Instruction bit: the numbers it stands for.
FIELDS = {1: ("l1_ingress", "l1_egress"), 2: ("hop_latency",), 3: ("queue",), 4: ("ingress_time",),
          5: ("egress_time",), 6: ("l2_ingress", "l2_egress"), 7: ("tx_utilisation",), 8: ("buffer",)}


def none_if_ones(number, bits):
    return None if number == (1 << bits) - 1 else number


def expected(instructions, own):
    """RepMdBits and metadata: what is asked for and known."""
    bits, metadata = 0, {}
    for bit, names in FIELDS.items():
        mask = 0x8000 >> bit
        values = {name: none_if_ones(own[name], NUMBERS[name]) for name in names}
        if not instructions & KNOWN_BITS & mask or set(values.values()) == {None}:
            continue
        bits |= mask
        for name, value in values.items():
            if name in ("queue", "buffer"):
                metadata[name] = none_if_ones(value >> 24, 8)
                metadata[name + "_occupancy"] = none_if_ones(value & 0xFFFFFF, 24)
            else:
                metadata[name] = value
    return bits, metadata


class Postcards(unittest.TestCase):
    def test_every_postcard_says_what_was_asked_for_and_known(self):
        seen = 0
        for seed in SEEDS:
            done = subprocess.run([WRITER, str(seed), str(COUNT)], capture_output=True, text=True, check=True)
            for sequence, line in enumerate(done.stdout.splitlines()):
                instructions, *numbers, packet, datagram = line.split()
                own = dict(zip(NUMBERS, map(int, numbers), strict=True))
                packet = b"" if packet == "-" else bytes.fromhex(packet)
                bits, metadata = expected(int(instructions), own)
                group = golden.read_report(bytes.fromhex(datagram))
                self.assertEqual((group["hw_id"], group["node"], group["sequence"]), (9, 0xFEED, sequence))
                report, = group["reports"]
                self.assertEqual((report["md_bits"], report["metadata"]), (bits, metadata), line)
                self.assertEqual((report["tracked_flow"], report["intermediate"], report["dropped"]), (1, 0, 0))
                deep = own["queue"] & 0xFFFFFF
                self.assertEqual(report["congested_queue"], int((1 << 23) <= deep < 0xFFFFFF), line)
                self.assertEqual((report["domain"], report["ds_md_bits"]), (0x4257, 0))
                carried = min(len(packet), 128) // 4 * 4
                self.assertEqual(report.get("inner", b""), packet[:carried])
                seen |= bits
        self.assertEqual(seen, KNOWN_BITS, "every kind of metadata was there")


if __name__ == "__main__":
    WRITER = sys.argv.pop(1)
    unittest.main()
