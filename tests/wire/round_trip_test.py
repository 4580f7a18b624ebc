#!/usr/bin/env python3
"""Captures of real RDMA cross a gateway pair in replay: host to fabric, then fabric to host at the far end.

    round_trip_test.py BRAIDWAY
"""
import collections
import json
import os
import sys
import tempfile
import unittest

import roce
from replay import replay

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
BRAIDWAY = ""
STRANDS = [f"fabric{i}" for i in range(4)]


def config(folder, name, number, other):
    path = os.path.join(folder, f"gw-{name}.yaml")
    ports = [{"name": "host0", "role": "host", "mtu": 4200}]
    ports += [{"name": strand, "role": "fabric", "mtu": 4200} for strand in STRANDS]
    with open(path, "w") as file:  # JSON is YAML
        json.dump({"gateway": {"name": f"gw-{name}", "id": number}, "mode": "wire", "workers": [{"core": 0}],
                   "ports": ports,
                   "peers": [{"name": "far", "id": other, "paths": [{"port": strand} for strand in STRANDS]}],
                   "memory": {"hugepages": "off"}}, file)
    return path


def flows(frames):
    """Frames by flow, in order, without their times; all that is not RoCE under "other"."""
    found = collections.defaultdict(list)
    for frame in frames:
        packet = roce.parse(frame.data)
        found[packet.flow if packet else "other"].append(frame.data)
    return found


class RoundTrip(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="braidway-wire-")
        cls.addClassCleanup(cls.temporary.cleanup)
        folder = cls.temporary.name
        source, sink = config(folder, "a", 1, 2), config(folder, "b", 2, 1)
        cls.captures = {name: os.path.join(DATA, name) for name in sorted(os.listdir(DATA))
                        if name.startswith("rxe-") and name.endswith(".pcap")}
        cls.entered, cls.crossing, cls.left, cls.repeated = {}, {}, {}, {}
        for name, capture in cls.captures.items():
            there, again, back = (os.path.join(folder, f"{name}.{way}") for way in ("there", "again", "back"))
            cls.entered[name] = roce.read_frames(capture)
            cls.crossing[name] = replay(BRAIDWAY, source, {"host0": capture}, there)
            cls.repeated[name] = replay(BRAIDWAY, source, {"host0": capture}, again)
            strands = {strand: os.path.join(there, f"{strand}.pcap") for strand in STRANDS}
            cls.left[name] = replay(BRAIDWAY, sink, strands, back)

    def test_there_are_captures_of_every_kind(self):
        self.assertGreaterEqual(len(self.captures), 5)

    def test_every_frame_leaves_the_far_host_port_byte_for_byte_with_its_time(self):
        for name in self.captures:
            left, entered = (collections.Counter(frames)
                             for frames in (self.left[name].frames["host0"], self.entered[name]))
            self.assertEqual((len(entered - left), len(left - entered)), (0, 0), f"{name}: missing, extra")

    def test_the_frames_of_a_flow_leave_in_the_order_they_came(self):
        for name in self.captures:
            entered, left = flows(self.entered[name]), flows(self.left[name].frames["host0"])
            for flow in entered:
                if flow != "other":
                    self.assertTrue(left[flow] == entered[flow], f"{name}: {flow}")

    def test_every_icrc_is_right_on_every_strand(self):
        for name in self.captures:
            for strand in STRANDS:
                packets = [roce.parse(frame.data) for frame in self.crossing[name].frames[strand]]
                self.assertTrue(all(packet.icrc_right for packet in packets if packet), f"{name}: {strand}")

    def test_a_flow_keeps_to_one_strand(self):
        for name in self.captures:
            strands_of = collections.defaultdict(set)
            for strand in STRANDS:
                for flow in flows(self.crossing[name].frames[strand]):
                    if flow != "other":
                        strands_of[flow].add(strand)
            self.assertTrue(strands_of, name)
            self.assertEqual({flow: used for flow, used in strands_of.items() if len(used) > 1}, {}, name)

    def test_flows_use_several_strands(self):
        used = {strand for name in self.captures for strand in STRANDS if self.crossing[name].frames[strand]}
        self.assertGreaterEqual(len(used), 3)

    def test_nothing_returns_to_where_it_came_from_and_nothing_is_dropped(self):
        for name in self.captures:
            self.assertEqual(self.crossing[name].frames["host0"], [], name)
            for strand in STRANDS:
                self.assertEqual(self.left[name].frames[strand], [], name)
            self.assertEqual((self.crossing[name].drops(), self.left[name].drops()), ({}, {}), name)

    def test_two_runs_give_the_same_bytes(self):
        for name in self.captures:
            self.assertTrue(self.crossing[name].bytes() == self.repeated[name].bytes(), name)


if __name__ == "__main__":
    BRAIDWAY = sys.argv.pop(1)
    unittest.main()
