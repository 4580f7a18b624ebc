#!/usr/bin/env python3
"""compare.py passes what is right and names what is wrong, each kind of damage by its own name."""
import contextlib
import io
import os
import struct
import sys
import tempfile
import unittest
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "wire")]
import compare  # noqa: E402
import roce  # noqa: E402

DATA = os.path.join(HERE, "..", "data")


def packet(psn, qpn=0x11, ipv6=False, payload=b"braided!", opcode=0x07):
    """A RoCEv2 frame with a right ICRC, built by hand from the standard."""
    bth = struct.pack(">BBHBBHBBH", opcode, 0, 0xFFFF, 0, qpn >> 16, qpn & 0xFFFF, 0, psn >> 16, psn & 0xFFFF)
    udp = struct.pack(">HHHH", 49152, 4791, 8 + 12 + len(payload) + 4, 0)
    size = len(udp) + len(bth) + len(payload) + 4
    if ipv6:
        ip = struct.pack(">IHBB", 6 << 28, size, 17, 64) + bytes(15) + b"\1" + bytes(15) + b"\2"
        masked = b"\x6f\xff\xff\xff" + ip[4:7] + b"\xff" + ip[8:]
    else:
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + size, 0, 0x4000, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
        masked = ip[:1] + b"\xff" + ip[2:8] + b"\xff" + ip[9:10] + b"\xff\xff" + ip[12:]
    image = b"\xff" * 8 + masked + udp[:6] + b"\xff\xff" + bth[:4] + b"\xff" + bth[5:] + payload
    icrc = struct.pack("<I", zlib.crc32(image))
    return bytes(12) + (b"\x86\xdd" if ipv6 else b"\x08\0") + ip + udp + bth + payload + icrc


class Compare(unittest.TestCase):
    def check(self, entered, left):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("a.rx.pcap", "b.tx.pcap")]
            for path, frames in zip(paths, (entered, left)):
                roce.write_frames(path, [roce.Frame(0, i, data) for i, data in enumerate(frames)])
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                code = compare.main(paths)
            return code, output.getvalue()

    def setUp(self):
        self.frames = [packet(psn) for psn in range(8)]

    def test_untouched_traffic_passes_in_ipv4_and_ipv6(self):
        frames = self.frames + [packet(psn, ipv6=True) for psn in range(8)]
        code, text = self.check(frames, frames)
        self.assertEqual(code, 0, text)
        self.assertIn("16 frames of 2 flows", text)

    def test_other_interleaving_of_flows_passes(self):
        other = [packet(psn, qpn=0x12) for psn in range(8)]
        mixed = [frame for pair in zip(self.frames, other) for frame in pair]
        self.assertEqual(self.check(mixed, other + self.frames)[0], 0)

    def test_frames_that_are_not_roce_are_not_looked_at(self):
        arp = bytes(12) + b"\x08\x06" + bytes(46)
        self.assertEqual(self.check([arp] + self.frames, self.frames)[0], 0)

    def test_a_retransmission_that_entered_twice_leaves_twice(self):
        frames = self.frames + self.frames[3:]
        self.assertEqual(self.check(frames, frames)[0], 0)

    def test_reordering_is_named(self):
        left = self.frames[:2] + [self.frames[3], self.frames[2]] + self.frames[4:]
        code, text = self.check(self.frames, left)
        self.assertEqual(code, 1)
        self.assertIn("1 out of order: psn 2", text)
        self.assertNotIn("lost", text)

    def test_loss_is_named(self):
        code, text = self.check(self.frames, self.frames[:5] + self.frames[6:])
        self.assertEqual(code, 1)
        self.assertIn("1 lost: psn 5", text)
        self.assertNotIn("out of order", text)

    def test_a_retransmission_of_a_lost_frame_is_in_order_though_it_is_the_same_bytes(self):
        entered = self.frames + self.frames[3:]
        code, text = self.check(entered, self.frames[:3] + self.frames[4:] + self.frames[3:])
        self.assertEqual(code, 1)
        self.assertIn("1 lost: psn 3", text)
        self.assertNotIn("out of order", text)

    def test_a_flow_lost_altogether_is_named(self):
        code, text = self.check(self.frames, [])
        self.assertEqual(code, 1)
        self.assertIn("8 lost", text)

    def test_a_duplicate_is_named(self):
        code, text = self.check(self.frames, self.frames[:4] + self.frames[3:])
        self.assertEqual(code, 1)
        self.assertIn("1 left more often than they entered: psn 3", text)
        self.assertNotIn("out of order", text)

    def test_a_changed_byte_is_named_with_its_wrong_icrc(self):
        broken = bytearray(self.frames[4])
        broken[-6] ^= 0x20
        code, text = self.check(self.frames, self.frames[:4] + [bytes(broken)] + self.frames[5:])
        self.assertEqual(code, 1)
        self.assertIn("1 changed on the way: psn 4", text)
        self.assertIn("1 wrong ICRC when leaving: psn 4", text)
        self.assertNotIn("lost", text)

    def test_a_change_that_the_icrc_does_not_cover_is_named(self):
        marked = bytearray(self.frames[4])
        marked[15] |= 3  # ECN CE
        code, text = self.check(self.frames, self.frames[:4] + [bytes(marked)] + self.frames[5:])
        self.assertEqual(code, 1)
        self.assertIn("1 changed on the way: psn 4", text)
        self.assertNotIn("ICRC", text)

    def test_an_invented_frame_is_named(self):
        code, text = self.check(self.frames, self.frames + [packet(99)])
        self.assertEqual(code, 1)
        self.assertIn("1 left without having entered: psn 99", text)

    def test_an_icrc_that_was_wrong_from_the_start_fails(self):
        broken = self.frames[0][:-1] + bytes([self.frames[0][-1] ^ 1])
        frames = [broken] + self.frames[1:]
        code, text = self.check(frames, frames)
        self.assertEqual(code, 1)
        self.assertIn("1 wrong ICRC when entering", text)

    def test_no_traffic_at_all_shows_nothing_and_fails(self):
        self.assertEqual(self.check([], [])[0], 1)

    def test_a_capture_that_is_cut_short_is_refused(self):
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            roce.write_frames(file.name, [roce.Frame(0, 0, self.frames[0])])
            os.truncate(file.name, os.path.getsize(file.name) - 1)
            with contextlib.redirect_stderr(io.StringIO()) as errors:
                self.assertEqual(compare.main([file.name, file.name]), 2)
            self.assertIn("cut short", errors.getvalue())

    def test_captures_of_real_rdma_compare_equal_to_themselves(self):
        for name in sorted(os.listdir(DATA)):
            if name.startswith("rxe-") and name.endswith(".pcap"):
                path = os.path.join(DATA, name)
                with contextlib.redirect_stdout(io.StringIO()) as output:
                    self.assertEqual(compare.main([path, path]), 0, output.getvalue())


if __name__ == "__main__":
    unittest.main()
