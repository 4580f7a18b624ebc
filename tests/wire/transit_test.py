#!/usr/bin/env python3
"""Switches that speak INT-MD, between a source and a sink: what they add is there, and gone where frames leave.

    transit_test.py BRAIDWAY
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import roce
from decoding.packet import Options, decode_frame
from replay import replay
import tunnel_test

DATA = tunnel_test.DATA
BRAIDWAY = ""
CAPTURES = ("rxe-multi-qp.pcap", "rxe-send-v6.pcap")
PATHS = ("fabric0", "fabric1")
INSTRUCTIONS = ["node-id", "hop-latency", "queue"]
HOPS = ((70, 1500, 20000), (71, 300, 90000), (72, 10, 5))
UNKNOWN = None


def strand_config(folder, number, mtu=4300, **peer):
    file = os.path.join(folder, f"gw-{number}.yaml")
    with open(file, "w") as out:  # JSON is YAML
        json.dump({"gateway": {"name": f"gw-{number}", "id": number}, "mode": "wire", "workers": [{"core": 0}],
                   "policy": "spray", "memory": {"hugepages": "off"},
                   "ports": [{"name": "host0", "role": "host", "mtu": 4200}] +
                            [{"name": path, "role": "fabric", "mtu": mtu} for path in PATHS],
                   "peers": [{"name": "far", "id": 3 - number, "stamping": "int-md",
                              "paths": [{"port": path} for path in PATHS], **peer}]}, out)
    return file


class Crossing:
    """A capture through a source, three switches on each path, and a sink."""

    def __init__(self, folder, name, tunnels, mtu=4300, **int_settings):
        work = tempfile.mkdtemp(dir=folder)
        peer = {"int": {"instructions": INSTRUCTIONS, "own_hop": True, **int_settings}}
        make = ((lambda number: tunnel_test.config(work, number, len(PATHS), 6, **peer)) if tunnels else
                (lambda number: strand_config(work, number, mtu, **peer)))
        source, sink = make(1), make(2)
        self.entered = roce.read_frames(os.path.join(DATA, name))
        self.steps = [replay(BRAIDWAY, source, {"host0": os.path.join(DATA, name)}, os.path.join(work, "0"))]
        for number, hop in enumerate(HOPS, 1):
            before = {path: os.path.join(work, str(number - 1), f"{path}.pcap") for path in PATHS}
            self.steps.append(replay(BRAIDWAY, source, before, os.path.join(work, str(number)), "--role", "transit",
                                     "--hop", ",".join(map(str, hop))))
        last = {path: os.path.join(work, str(len(HOPS)), f"{path}.pcap") for path in PATHS}
        self.back = replay(BRAIDWAY, sink, last, os.path.join(work, "back"), "--role", "sink")

    def stamped(self, step):
        """(frame, what the decoder reads) of every stamped frame behind so many switches."""
        for path in PATHS:
            for frame in self.steps[step].frames[path]:
                read = decode_frame(frame.data, Options(61791))
                if "int" in read:
                    yield frame, read["int"]

    def total(self, step, outcome):
        return sum(port[outcome] for port in self.steps[step].result["ports"].values())


def told(hop):
    return hop["node"], hop["hop_latency"], hop["queue_occupancy"]


class Transit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="braidway-wire-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = temporary.name
        cls.crossings = {(name, tunnels): Crossing(cls.folder, name, tunnels)
                         for name in CAPTURES for tunnels in (False, True)}

    def test_each_switch_adds_what_it_tells_in_front_of_those_before_it(self):
        for case, crossing in self.crossings.items():
            for step in range(len(HOPS) + 1):
                expected = [*HOPS[:step][::-1], (1, UNKNOWN, UNKNOWN)]  # the source knows itself only
                count = 0
                for _, read in crossing.stamped(step):
                    self.assertEqual([told(hop) for hop in read["hops"]], expected, case)
                    self.assertEqual(read["remaining_hops"], 8 - len(expected), case)
                    count += 1
                self.assertGreater(count, 0)
                if step:
                    self.assertEqual((crossing.total(step, "pushed"), crossing.total(step, "hops_exceeded")), (count, 0))

    def test_frames_leave_as_they_came_and_in_their_order(self):
        for (name, tunnels), crossing in self.crossings.items():
            self.assertEqual(crossing.back.drops(), {})
            left, entered = (tunnel_test.packets_by_flow(frames) for frames in (crossing.back.frames["host0"],
                                                                                crossing.entered))
            self.assertEqual(left, entered, (name, tunnels))
            self.assertTrue(all(packet.icrc_right for packet in map(lambda frame: roce.parse(frame.data),
                                                                    crossing.back.frames["host0"]) if packet))

    def test_the_sink_meters_the_source_and_every_switch_by_path(self):
        for case, crossing in self.crossings.items():
            for path in crossing.back.result["paths"]:
                received = path["received"]
                if received["packets"] == 0:
                    continue
                self.assertEqual([hop["node"] for hop in received["hops"]], [1, *(node for node, _, _ in HOPS)], case)
                source, *switches = received["hops"]
                self.assertEqual((source["latency_ns"]["max"], source["queue_bytes"]["max"]), (UNKNOWN, UNKNOWN), case)
                for hop, (_, latency, queue) in zip(switches, HOPS):
                    for key, right in (("latency_ns", latency), ("queue_bytes", queue)):
                        for quantile in hop[key].values():
                            self.assertAlmostEqual(quantile, right, delta=right / 32, msg=case)
            self.assertTrue(any(path["received"]["packets"] for path in crossing.back.result["paths"]), case)

    def test_when_no_hop_remains_the_switch_says_so_and_adds_nothing(self):
        crossing = Crossing(self.folder, CAPTURES[0], False, hops=2)
        stamped = sum(1 for _ in crossing.stamped(0))
        self.assertEqual([crossing.total(step, "pushed") for step in (1, 2, 3)], [stamped, 0, 0])
        self.assertEqual([crossing.total(step, "hops_exceeded") for step in (1, 2, 3)], [0, stamped, stamped])
        for _, read in crossing.stamped(3):
            self.assertEqual((read["hops_exceeded"], read["remaining_hops"]), (1, 0))
            self.assertEqual([told(hop)[0] for hop in read["hops"]], [70, 1])
        self.assertEqual(tunnel_test.packets_by_flow(crossing.back.frames["host0"]),
                         tunnel_test.packets_by_flow(crossing.entered))

    def test_a_packet_that_would_outgrow_the_path_is_marked_and_left_as_it_is(self):
        crossing = Crossing(self.folder, "rxe-jumbo-v6.pcap", False, mtu=4228)
        exceeded = sum(crossing.total(step, "mtu_exceeded") for step in (1, 2, 3))
        self.assertGreater(exceeded, 0)
        marked = [read for _, read in crossing.stamped(3) if read["mtu_exceeded"]]
        self.assertTrue(marked and all(len(read["hops"]) < 4 for read in marked))
        self.assertEqual(tunnel_test.packets_by_flow(crossing.back.frames["host0"]),
                         tunnel_test.packets_by_flow(crossing.entered))

    def test_what_is_wrong_with_a_hop_is_said(self):
        config = strand_config(self.folder, 1)
        capture = os.path.join(DATA, CAPTURES[0])
        for options, word in ((("--role", "transit"), "--hop"), (("--role", "sink", "--hop", "7"), "--role transit"),
                              (("--role", "transit", "--hop", "x"), "NODE"),
                              (("--role", "transit", "--hop", "1,2,3,4"), "NODE"),
                              (("--role", "transit", "--hop", "1,"), "NODE"),
                              (("--role", "transit", "--hop", "1,2,16777215"), "at most 16777214"),
                              (("--role", "transit", "--hop", "4294967295"), "NODE")):
            done = subprocess.run([BRAIDWAY, "replay", config, "--in", f"fabric0={capture}", "--out",
                                   os.path.join(self.folder, "refused"), *options],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, (options, done.stderr))
            self.assertIn(word, done.stderr, options)


if __name__ == "__main__":
    BRAIDWAY = sys.argv.pop(1)
    unittest.main()
