#!/usr/bin/env python3
"""Captures of real RDMA over several paths: a source stamps and sprays, the paths delay, lose or cut, a sink restores.

    spray_test.py BRAIDWAY

What lies on the paths is read by the decoder in decoding/, which shares nothing with the gateways' code.
"""
import collections
import functools
import json
import os
import sys
import tempfile
import unittest

import roce
from decoding.packet import Options, decode_frame
from replay import replay

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
BRAIDWAY = ""
CAPTURES = [name for name in sorted(os.listdir(DATA)) if name.startswith("rxe-") and name.endswith(".pcap")]
UD, CNP = 3, 0x81
# Microseconds, by path: apart from each other by up to 100.
DELAYS = (0, 100, 37, 71, 5, 93, 20, 58)


def strands(paths):
    return [f"fabric{i}" for i in range(paths)]


def config(folder, number, other, paths, policy, **more):
    path = os.path.join(folder, f"gw-{number}-{paths}-{policy}.yaml")
    ports = [{"name": "host0", "role": "host", "mtu": 4200}]
    ports += [{"name": strand, "role": "fabric", "mtu": 4228} for strand in strands(paths)]
    with open(path, "w") as file:  # JSON is YAML
        json.dump({"gateway": {"name": f"gw-{number}", "id": number}, "mode": "wire", "workers": [{"core": 0}],
                   "policy": policy, "ports": ports,
                   "peers": [{"name": "far", "id": other, "stamping": "int-md",
                              "paths": [{"port": strand} for strand in strands(paths)]}],
                   "memory": {"hugepages": "off"}, **more}, file)
    return path


def roce_of(frame):
    """The RoCEv2 packet of a frame as the decoder read it, tagged or not; None if it is none."""
    return frame.get("restored", frame).get("roce")


def flow_of(frame):
    headers = frame.get("restored", frame)
    ip = headers.get("ipv4") or headers["ipv6"]
    return ip["source"], ip["destination"], headers["roce"]["dest_qpn"]


def by_flow(frames):
    """Frames by flow, in order, without their times; all that is not RoCE under "other"."""
    found = collections.defaultdict(list)
    for frame in frames:
        packet = roce.parse(frame.data)
        found[packet.flow if packet else "other"].append(frame.data)
    return found


class Crossing:
    """One capture from the host port of one gateway to that of the other."""

    def __init__(self, folder, name, paths, policy, options=(), sink_options=None, **more):
        self.work = tempfile.mkdtemp(dir=folder)
        source = config(self.work, 1, 2, paths, policy, **more)
        sink = config(self.work, 2, 1, paths, policy, **more)
        capture = os.path.join(DATA, name)
        self.entered = roce.read_frames(capture)
        self.there = replay(BRAIDWAY, source, {"host0": capture}, os.path.join(self.work, "there"),
                            "--role", "source")
        inputs = {strand: os.path.join(self.work, "there", f"{strand}.pcap") for strand in strands(paths)}
        self.back = replay(BRAIDWAY, sink, inputs, os.path.join(self.work, "back"), "--role", "sink", *options)
        self.left = self.back.frames["host0"]

    @functools.cache
    def on_the_wire(self, int_port=61791):
        """Every frame of every path as the decoder reads it, by path. Fails for one that is malformed."""
        return {name: [decode_frame(frame.data, Options(int_port)) for frame in frames]
                for name, frames in self.there.frames.items() if name.startswith("fabric")}


def delayed(paths):
    return [word for i in range(paths) for word in ("--path-delay", f"fabric{i}={DELAYS[i]}us")]


class Spray(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="braidway-wire-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = temporary.name
        cls.crossings = {(name, paths, policy): Crossing(cls.folder, name, paths, policy, delayed(paths))
                         for name in CAPTURES
                         for paths, policy in ((2, "spray"), (4, "spray"), (8, "spray"), (4, "auto"))}

    def test_there_are_captures_of_every_kind(self):
        self.assertGreaterEqual(len(CAPTURES), 5)

    def test_every_byte_is_restored_and_nothing_is_dropped(self):
        for case, crossing in self.crossings.items():
            left, entered = (collections.Counter(frame.data for frame in frames)
                             for frames in (crossing.left, crossing.entered))
            self.assertEqual((len(entered - left), len(left - entered)), (0, 0), f"{case}: missing, extra")
            self.assertEqual((crossing.there.drops(), crossing.back.drops()), ({}, {}), case)

    def test_the_frames_of_a_flow_leave_in_the_order_they_came(self):
        for case, crossing in self.crossings.items():
            entered, left = by_flow(crossing.entered), by_flow(crossing.left)
            for flow in entered:
                if flow != "other":
                    self.assertTrue(left[flow] == entered[flow], f"{case}: {flow}")

    def test_order_had_to_be_restored(self):
        held = {case: crossing.back.result["order"]["held"] for case, crossing in self.crossings.items()}
        self.assertGreater(sum(count > 0 for count in held.values()), len(held) / 2, held)

    def test_every_icrc_is_right_where_frames_leave(self):
        for case, crossing in self.crossings.items():
            packets = [packet for packet in (roce.parse(frame.data) for frame in crossing.left) if packet]
            self.assertTrue(packets and all(packet.icrc_right for packet in packets), case)

    def test_the_decoder_takes_every_frame_of_every_path_for_well_formed(self):
        # ICRC and all: of a tagged packet, that of the packet before it was tagged.
        for case, crossing in self.crossings.items():
            read = sum(roce_of(frame) is not None for frames in crossing.on_the_wire().values() for frame in frames)
            self.assertEqual(read, sum(roce.parse(frame.data) is not None for frame in crossing.entered), case)

    def test_the_numbers_of_a_flow_are_gapless_on_the_wire_and_say_who_sent_them_by_which_path(self):
        for case, crossing in self.crossings.items():
            numbers = collections.defaultdict(list)
            for name, frames in crossing.on_the_wire().items():
                for frame in frames:
                    if "int" in frame:
                        order = frame["int"]["order"]
                        self.assertEqual((order["gateway"], f"fabric{order['path']}"), (1, name), case)
                        numbers[flow_of(frame), order["epoch"]].append(order["sequence"])
            self.assertTrue(numbers, case)
            for flow, sequence in numbers.items():
                self.assertEqual(sorted(sequence), list(range(len(sequence))), f"{case}: {flow}")

    def test_connected_packets_are_all_stamped_and_cnp_and_ud_never(self):
        for case, crossing in self.crossings.items():
            for frames in crossing.on_the_wire().values():
                for frame in frames:
                    packet = roce_of(frame)
                    connected = packet is not None and packet["opcode"] != CNP and packet["opcode"] >> 5 != UD
                    self.assertEqual("int" in frame, connected, case)

    def test_spraying_uses_every_path(self):
        for (name, paths, policy), crossing in self.crossings.items():
            if policy == "spray":
                used = sum(bool(frames) for frames in crossing.on_the_wire().values())
                self.assertEqual(used, paths, name)

    def test_the_sink_meters_each_path_by_the_tags(self):
        for case, crossing in self.crossings.items():
            received = {path["name"]: path["received"] for path in crossing.back.result["paths"]}
            for name, frames in crossing.on_the_wire().items():
                tagged = sum("int" in frame for frame in frames)
                self.assertEqual(received[name]["packets"], tagged, f"{case}: {name}")
            holds = [path["hold_ns"]["max"] or 0 for path in received.values()]
            self.assertEqual(max(holds) > 0, crossing.back.result["order"]["held"] > 0, case)
            self.assertTrue(all(path["untimed"] == path["packets"] and path["delay_ns"]["p50"] is None
                                for path in received.values()), f"{case}: no message told of the source's clock")

    def test_two_runs_give_the_same_bytes(self):
        for name in CAPTURES[:2]:
            options = (*delayed(4), "--path-loss", "fabric1=0.05")
            first, second = (Crossing(self.folder, name, 4, "spray", options) for _ in range(2))
            self.assertTrue(first.there.bytes() == second.there.bytes(), name)
            self.assertTrue(first.back.bytes() == second.back.bytes(), name)

    def test_a_loss_costs_what_was_lost_and_no_order(self):
        for name in CAPTURES:
            crossing = Crossing(self.folder, name, 4, "spray", [*delayed(4), "--path-loss", "fabric2=0.1"])
            lost = crossing.back.result["ports"]["fabric2"]["lost"]
            self.assertGreater(lost, 0, name)
            self.assertEqual(len(crossing.left), len(crossing.entered) - lost, name)
            self.assert_in_order(crossing, name)

    def test_a_cut_path_costs_what_it_carried_and_no_order(self):
        for name in CAPTURES:
            crossing = Crossing(self.folder, name, 4, "spray", [*delayed(4), "--path-cut", "fabric3=1ms"])
            lost = crossing.back.result["ports"]["fabric3"]["lost"]
            self.assertEqual(len(crossing.left), len(crossing.entered) - lost, name)
            self.assert_in_order(crossing, name)

    def assert_in_order(self, crossing, name):
        """What arrived is what was sent, in its order, but for what is missing."""
        entered, left = by_flow(crossing.entered), by_flow(crossing.left)
        for flow, frames in left.items():
            if flow != "other":
                rest = iter(entered[flow])
                self.assertTrue(all(any(frame == sent for sent in rest) for frame in frames), f"{name}: {flow}")

    def test_no_packet_waits_longer_than_the_timer(self):
        crossing = Crossing(self.folder, CAPTURES[0], 2, "spray", ["--path-cut", "fabric0=0s"])
        sent = {frame.data: frame for frame in crossing.entered}
        self.assertTrue(crossing.left)
        waits = [(frame.seconds - sent[frame.data].seconds) * 1_000_000 + frame.fraction - sent[frame.data].fraction
                 for frame in crossing.left]
        self.assertLessEqual(max(waits), 160)

    def test_another_port_for_stamps_is_used_both_ways(self):
        crossing = Crossing(self.folder, CAPTURES[0], 2, "spray", telemetry={"int_port": 700})
        self.assertTrue(all("int" in frame for frames in crossing.on_the_wire(700).values() for frame in frames
                            if roce_of(frame)))
        self.assertEqual(by_flow(crossing.left), by_flow(crossing.entered))

    def test_a_gateway_that_is_not_told_to_restore_order_says_what_it_drops(self):
        crossing = Crossing(self.folder, CAPTURES[0], 2, "spray")
        plain = config(crossing.work, 2, 1, 2, "pinned")
        with open(plain) as file:
            document = json.load(file)
        del document["peers"][0]["stamping"]
        with open(plain, "w") as file:
            json.dump(document, file)
        inputs = {strand: os.path.join(crossing.work, "there", f"{strand}.pcap") for strand in strands(2)}
        out = replay(BRAIDWAY, plain, inputs, os.path.join(crossing.work, "plain"))
        self.assertEqual(out.drops(), {"tag_unexpected": crossing.there.result["order"]["stamped"]})


if __name__ == "__main__":
    BRAIDWAY = sys.argv.pop(1)
    unittest.main()
