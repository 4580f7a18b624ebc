#!/usr/bin/env python3
"""Captures of real RDMA behind IOAM traces: a source puts IPv6 packets behind one, a sink takes them out again.

    trace_test.py BRAIDWAY

What lies on the paths is read by the decoder in decoding/, which shares nothing with the gateways' code.
"""
import collections
import copy
import functools
import json
import os
import subprocess
import sys
import tempfile
import unittest

import roce
from decoding.packet import decode_frame
from replay import replay

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
BRAIDWAY = ""
CAPTURES = [name for name in sorted(os.listdir(DATA)) if name.startswith("rxe-") and name.endswith(".pcap")]
UD, CNP = 3, 0x81
OURS, THEIRS = "fd00:9::7", "fd00:9::9"
NODES, ADDED = 4, 40 + 4 + 4 + 8 + 4 * 4 * 3  # IPv6, Hop-by-Hop and PadN, option, trace, data
STRANDS = [f"fabric{i}" for i in range(4)]


def settings(number, other, fabric_mtu=4200 + ADDED, host_mtu=4200, **ioam):
    source, destination = (OURS, THEIRS) if number == 1 else (THEIRS, OURS)
    return {"gateway": {"name": f"gw-{number}", "id": number}, "mode": "wire", "workers": [{"core": 0}],
            "memory": {"hugepages": "off"},
            "ports": [{"name": "host0", "role": "host", "mtu": host_mtu}]
                     + [{"name": name, "role": "fabric", "mtu": fabric_mtu} for name in STRANDS],
            "peers": [{"name": "far", "id": other, "policy": "idle-move",
                       "ioam": {"source": source, "destination": destination, "namespace": 123, "nodes": NODES,
                                "instructions": ["node-id", "interfaces", "queue-depth"], "own_node": True, **ioam},
                       "paths": [{"port": name} for name in STRANDS]}]}


def write(folder, content):
    path = os.path.join(folder, f"gw-{content['gateway']['id']}.yaml")
    with open(path, "w") as file:  # JSON is YAML
        json.dump(content, file, indent=1)
    return path


def is_connected(data):
    packet = roce.parse(data)
    return packet is not None and packet.opcode != CNP and packet.opcode >> 5 != UD


def is_ipv6(data):
    return data[12:14] == b"\x86\xdd"


def by_flow(frames):
    found = collections.defaultdict(list)
    for data in frames:
        packet = roce.parse(data)
        found[packet.flow if packet else "other"].append(data)
    return found


def traced(frame):
    return "hop_by_hop" in frame


class Crossing:
    """One capture from the host port of one gateway to that of the other; `change` is done to what is under way."""

    def __init__(self, folder, name, change=lambda data: data, sink=None, **more):
        work = tempfile.mkdtemp(dir=folder)
        source = write(work, settings(1, 2, **more))
        sink = write(work, settings(2, 1, **more, **(sink or {})))
        capture = os.path.join(DATA, name)
        self.entered = [frame.data for frame in roce.read_frames(capture)]
        self.there = replay(BRAIDWAY, source, {"host0": capture}, os.path.join(work, "there"), "--role", "source")
        inputs = {port: os.path.join(work, "there", f"{port}.pcap") for port in STRANDS}
        for port, path in inputs.items():
            roce.write_frames(path, [frame._replace(data=change(frame.data)) for frame in self.there.frames[port]])
        self.back = replay(BRAIDWAY, sink, inputs, os.path.join(work, "back"), "--role", "sink")
        self.left = [frame.data for frame in self.back.frames["host0"]]
        self.traceable = sum(is_connected(data) and is_ipv6(data) for data in self.entered)

    @functools.cached_property
    def on_the_wire(self):
        """Every frame of every path as the decoder reads it, by path. Fails for one that is malformed."""
        return {name: [decode_frame(frame.data) for frame in self.there.frames[name]] for name in STRANDS}


class Traces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="braidway-wire-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = temporary.name
        cls.crossings = {name: Crossing(cls.folder, name) for name in CAPTURES}

    def test_there_are_captures_of_both_kinds_of_ip(self):
        kinds = {any(map(is_ipv6, crossing.entered)) for crossing in self.crossings.values()}
        self.assertEqual(kinds, {True, False})

    def test_every_byte_is_restored_in_order_and_nothing_is_dropped(self):
        for name, crossing in self.crossings.items():
            entered, left = by_flow(crossing.entered), by_flow(crossing.left)
            self.assertEqual(set(entered), set(left), name)
            for flow in entered:
                if flow == "other":
                    self.assertEqual(sorted(left[flow]), sorted(entered[flow]), name)
                else:
                    self.assertTrue(left[flow] == entered[flow], f"{name}: {flow}")
            self.assertEqual((crossing.there.drops(), crossing.back.drops()), ({}, {}), name)

    def test_rc_and_uc_over_ipv6_are_all_traced_and_nothing_else_is(self):
        for name, crossing in self.crossings.items():
            found = sum(traced(frame) for frames in crossing.on_the_wire.values() for frame in frames)
            self.assertEqual(found, crossing.traceable, name)
            there, back = crossing.there.result["order"], crossing.back.result["order"]
            connected = sum(map(is_connected, crossing.entered))
            self.assertEqual((there["traced"], there["untraceable"]), (found, connected - found), name)
            self.assertEqual((back["untraced"], back["trace_nodes"], back["traces_full"], back["traces_foreign"]),
                             (found, found, 0, 0), name)

    def test_the_decoder_reads_each_trace_as_it_was_configured(self):
        for name, crossing in self.crossings.items():
            for i, strand in enumerate(STRANDS):
                for frame in filter(traced, crossing.on_the_wire[strand]):
                    ip = frame["ipv6"]
                    self.assertEqual((ip["source"], ip["destination"]), (OURS, THEIRS))
                    trace = next(option for option in frame["hop_by_hop"]["options"] if option["option"] == 0x31)
                    self.assertEqual((trace["namespace"], len(trace["nodes"])), (123, 1), name)
                    node = trace["nodes"][0]
                    self.assertEqual((node["node_id"], node["ingress"], node["egress"], node["queue_depth"]),
                                     (1, 0, 1 + i, None), name)

    def test_the_packets_of_a_flow_have_one_flow_label(self):
        labels = collections.defaultdict(set)
        for name, crossing in self.crossings.items():
            for strand in STRANDS:
                for sent in crossing.there.frames[strand]:
                    if traced(decode_frame(sent.data)):
                        inner = sent.data[:14] + sent.data[14 + ADDED:]
                        labels[name, roce.parse(inner).flow].add(sent.data[14:18])
        self.assertTrue(labels and all(len(found) == 1 for found in labels.values()))

    def test_what_does_not_fit_crosses_as_it_is_and_is_counted(self):
        for name in CAPTURES:
            crossing = Crossing(self.folder, name, fabric_mtu=4200)
            self.assertEqual(sorted(crossing.left), sorted(crossing.entered), name)
            long = sum(is_connected(data) and is_ipv6(data) and len(data) - 14 + ADDED > 4200
                       for data in crossing.entered)
            self.assertEqual(crossing.there.result["order"]["traced"], crossing.traceable - long, name)

    def test_a_trace_of_another_namespace_crosses_as_it_is_and_is_counted(self):
        for name in CAPTURES:
            crossing = Crossing(self.folder, name, sink={"namespace": 124, "host_mtu": 4200 + ADDED})
            sent = sorted(frame.data for strand in STRANDS for frame in crossing.there.frames[strand])
            self.assertEqual(sorted(crossing.left), sent, name)
            self.assertEqual(crossing.back.result["order"]["traces_foreign"], crossing.traceable, name)

    def test_a_trace_in_which_a_node_found_no_room_is_counted(self):
        flags = 14 + 40 + 4 + 4 + 2
        full = lambda data: (data[:flags] + (int.from_bytes(data[flags:flags + 2], "big") | 0x400).to_bytes(2, "big")
                             + data[flags + 2:] if is_ipv6(data) and data[20] == 0 else data)
        for name, crossing in ((name, Crossing(self.folder, name, full)) for name in CAPTURES):
            self.assertEqual(crossing.back.result["order"]["traces_full"], crossing.traceable, name)
            self.assertEqual(sorted(crossing.left), sorted(crossing.entered), name)

    def test_what_nodes_on_the_way_tell_is_metered_hop_by_hop_for_the_path_that_they_are_on(self):
        delay, depth, words = 1500, 20_000, 4
        space = 14 + 40 + 4 + 4 + 8

        def through_a_switch(data):
            if not is_ipv6(data) or data[20] != 0:
                return data
            lengths = int.from_bytes(data[space - 6:space - 4], "big")
            at = space + 4 * ((lengths & 0x7f) - words)
            node = b"".join(word.to_bytes(4, "big") for word in (63 << 24 | 77, 3 << 16 | 4, delay, depth))
            data = data[:at] + node + data[at + len(node):]
            return data[:space - 6] + (lengths - words).to_bytes(2, "big") + data[space - 4:]

        for name in CAPTURES:
            crossing = Crossing(self.folder, name, through_a_switch,
                                instructions=["node-id", "interfaces", "transit-delay", "queue-depth"], nodes=3)
            self.assertEqual(sorted(crossing.left), sorted(crossing.entered), name)
            for path in crossing.back.result["paths"]:
                sent = crossing.there.frames[path["name"]]
                hops = path["received"]["hops"]
                if not any(is_ipv6(frame.data) and frame.data[20] == 0 for frame in sent):
                    self.assertEqual(hops, [], name)
                    continue
                nothing = {"p50": None, "p99": None, "max": None}
                self.assertEqual([hop["node"] for hop in hops], [1, 77], name)
                self.assertEqual([hop["node_changes"] for hop in hops], [0, 0], name)
                self.assertEqual((hops[0]["queue_bytes"], hops[0]["latency_ns"]), (nothing, nothing), name)
                for key, value in (("queue_bytes", depth), ("latency_ns", delay)):
                    for quantile in hops[1][key].values():
                        self.assertAlmostEqual(quantile, value, delta=value / 32, msg=f"{name}: {key}")
                self.assertEqual(path["received"]["packets"], 0, "a trace is no tag")

    def test_whatever_is_wrong_with_a_trace_no_packet_is_lost_without_a_name(self):
        name = next(name for name, crossing in self.crossings.items() if crossing.traceable)
        for at in range(14, 14 + ADDED + 8):
            for value in (0x00, 0xff):
                change = lambda data: data[:at] + bytes([value]) + data[at + 1:] if is_ipv6(data) else data
                if at % 7 == 0 or 54 <= at < 70:
                    crossing = Crossing(self.folder, name, change)
                    dropped = sum(crossing.back.drops().values())
                    self.assertEqual(len(crossing.left) + dropped, len(crossing.entered), f"byte {at}: {value}")

    def braidway(self, command, content):
        return subprocess.run([BRAIDWAY, command, write(self.folder, content)], capture_output=True, text=True,
                              timeout=60)

    def test_settings_that_cannot_be_right_are_refused_at_their_place(self):
        self.assertEqual(self.braidway("check", settings(1, 2)).returncode, 0)
        for word, change in (
                ("write an address as fd00::7", {"ioam": {"source": "10.0.0.7"}}),
                ("the destination is the peer's", {"ioam": {"destination": OURS}}),
                ("write nodes: 6 or less", {"ioam": {"nodes": 7}}),
                ("is wanted", {"ioam": {"nodes": 62}}),
                ("policy 'spray' needs", {"policy": "spray"}),
                ("either stamped or traced", {"stamping": "int-md"}),
                ("bears no order", {"stamping": "ioam"})):
            content = copy.deepcopy(settings(1, 2))
            peer = content["peers"][0]
            peer["ioam"].update(change.pop("ioam", {}))
            peer.update(change)
            with self.subTest(word):
                done = self.braidway("check", content)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertRegex(done.stderr, r"gw-1\.yaml:\d+:\d+: .*" + word)


if __name__ == "__main__":
    BRAIDWAY = sys.argv.pop(1)
    unittest.main()
