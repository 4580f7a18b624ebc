#!/usr/bin/env python3
"""Captures of real RDMA through tunnels: a source puts IP packets into them, paths delay, a sink takes them out.

    tunnel_test.py BRAIDWAY

What lies on the paths is read by the decoder in decoding/, which shares nothing with the gateways' code. The link
header of what comes out of a tunnel is the configuration's: IP packets are what is compared.
"""
import collections
import json
import os
import subprocess
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
DELAYS = (0, 100, 37, 71, 5, 93, 20, 58)  # microseconds, by path
ENDS = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}
HOST_LINK = {"source": "02:00:00:00:00:aa", "destination": "02:00:00:00:00:bb"}
FABRIC_LINK = {"source": "02:00:00:00:00:cc", "destination": "02:00:00:00:00:dd", "vlan": 7}
FIRST_PORT = 0xC000


def config(folder, number, paths, version, **peer):
    file = os.path.join(folder, f"gw-{number}.yaml")
    here, there = ENDS[version] if number == 1 else ENDS[version][::-1]
    ports = [{"name": "host0", "role": "host", "mtu": 4200, "link": HOST_LINK}]
    ports += [{"name": f"fabric{i}", "role": "fabric", "mtu": 4276, "link": FABRIC_LINK} for i in range(paths)]
    with open(file, "w") as out:  # JSON is YAML
        json.dump({"gateway": {"name": f"gw-{number}", "id": number}, "mode": "wire", "workers": [{"core": 0}],
                   "policy": "spray", "ports": ports,
                   "peers": [{"name": "far", "id": 3 - number, "stamping": "int-md",
                              "paths": [{"port": f"fabric{i}", "tunnel": {"source": here, "destination": there,
                                                                          "source_port": FIRST_PORT + i}}
                                        for i in range(paths)], **peer}],
                   "memory": {"hugepages": "off"}}, out)
    return file


def ip_of(frame):
    """The IP packet of an Ethernet frame, without padding, and what stood before it."""
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    kind, at = frame[at:at + 2], at + 2
    if kind == b"\x08\x00":
        return frame[at:at + int.from_bytes(frame[at + 2:at + 4], "big")], frame[:at]
    if kind == b"\x86\xdd":
        return frame[at:at + 40 + int.from_bytes(frame[at + 4:at + 6], "big")], frame[:at]
    return None, frame


def connected(packet):
    return packet is not None and packet.opcode != CNP and packet.opcode >> 5 != UD


class Crossing:
    """One capture from the host port of one gateway to that of the other."""

    def __init__(self, folder, name, paths, version, options=(), **peer):
        self.version = version
        self.work = tempfile.mkdtemp(dir=folder)
        self.source, self.sink = (config(self.work, number, paths, version, **peer) for number in (1, 2))
        capture = os.path.join(DATA, name)
        self.entered = roce.read_frames(capture)
        self.there = replay(BRAIDWAY, self.source, {"host0": capture}, os.path.join(self.work, "there"))
        self.inputs = {f"fabric{i}": os.path.join(self.work, "there", f"fabric{i}.pcap") for i in range(paths)}
        delays = [word for i in range(paths) for word in ("--path-delay", f"fabric{i}={DELAYS[i]}us")]
        self.back = replay(BRAIDWAY, self.sink, self.inputs, os.path.join(self.work, "back"), "--role", "sink", *delays,
                           *options)
        self.left = self.back.frames["host0"]

    def on_the_wire(self):
        return {name: [decode_frame(frame.data, Options(61791)) for frame in frames]
                for name, frames in self.there.frames.items() if name.startswith("fabric")}


def packets_by_flow(frames):
    """IP packets of RoCEv2 by flow, in order."""
    found = collections.defaultdict(list)
    for frame in frames:
        packet = roce.parse(frame.data)
        if packet:
            found[packet.flow].append(ip_of(frame.data)[0])
    return found


class Tunnels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="braidway-wire-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = temporary.name
        cls.crossings = {(name, paths, version): Crossing(cls.folder, name, paths, version)
                         for name in CAPTURES for paths, version in ((2, 4), (4, 6), (8, 4))}

    def test_every_ip_packet_is_restored_in_the_order_of_its_flow_and_nothing_is_dropped(self):
        for case, crossing in self.crossings.items():
            entered, left = packets_by_flow(crossing.entered), packets_by_flow(crossing.left)
            self.assertEqual(entered.keys(), left.keys(), case)
            for flow in entered:
                self.assertTrue(left[flow] == entered[flow], f"{case}: {flow}")
            self.assertEqual(len(crossing.left), len(crossing.entered), case)
            self.assertEqual((crossing.there.drops(), crossing.back.drops()), ({}, {}), case)

    def test_order_had_to_be_restored(self):
        held = [crossing.back.result["order"]["held"] for crossing in self.crossings.values()]
        self.assertGreater(sum(count > 0 for count in held), len(held) / 2, held)

    def test_every_icrc_is_right_where_packets_leave(self):
        for case, crossing in self.crossings.items():
            packets = [packet for packet in (roce.parse(frame.data) for frame in crossing.left) if packet]
            self.assertTrue(packets and all(packet.icrc_right for packet in packets), case)

    def test_what_comes_out_of_a_tunnel_has_the_configured_link_header_and_all_else_its_own(self):
        def mac(text):
            return bytes.fromhex(text.replace(":", ""))
        for case, crossing in self.crossings.items():
            others = {frame.data for frame in crossing.entered if not connected(roce.parse(frame.data))}
            for frame in crossing.left:
                if connected(roce.parse(frame.data)):
                    self.assertEqual(ip_of(frame.data)[1][:12], mac(HOST_LINK["destination"]) + mac(HOST_LINK["source"]))
                else:
                    self.assertIn(frame.data, others, case)

    def test_connected_packets_are_all_in_tunnels_and_nothing_else_is(self):
        for case, crossing in self.crossings.items():
            source, destination = ENDS[crossing.version]
            numbers = collections.defaultdict(list)
            tunnelled = 0
            for name, frames in crossing.on_the_wire().items():
                for frame in frames:
                    if "int" not in frame:
                        packet = frame.get("roce")
                        self.assertFalse(packet and packet["opcode"] != CNP and packet["opcode"] >> 5 != UD, case)
                        continue
                    tunnelled += 1
                    outer, order = frame.get("ipv4") or frame["ipv6"], frame["int"]["order"]
                    self.assertEqual((outer["source"], outer["destination"]), (source, destination), case)
                    self.assertEqual(frame["udp"]["source_port"], FIRST_PORT + order["path"], case)
                    self.assertEqual(f"fabric{order['path']}", name, case)
                    self.assertEqual([tag["vlan"] for tag in frame["ethernet"]["tags"]], [7], case)
                    self.assertEqual((frame["ethernet"]["source"], frame["ethernet"]["destination"]),
                                     (FABRIC_LINK["source"], FABRIC_LINK["destination"]), case)
                    inner = frame["restored"]
                    ip = inner.get("ipv4") or inner["ipv6"]
                    numbers[ip["source"], ip["destination"], inner["roce"]["dest_qpn"], order["epoch"]].append(
                        order["sequence"])
            self.assertEqual(tunnelled, sum(connected(roce.parse(frame.data)) for frame in crossing.entered), case)
            for flow, sequence in numbers.items():
                self.assertEqual(sorted(sequence), list(range(len(sequence))), f"{case}: {flow}")

    def test_a_sink_of_strands_says_that_it_drops_what_is_in_tunnels_and_the_other_way_round(self):
        crossing = self.crossings[CAPTURES[0], 2, 4]
        with open(crossing.sink) as file:
            strands = json.load(file)
        for port in strands["ports"]:
            del port["link"]
        for path in strands["peers"][0]["paths"]:
            del path["tunnel"]
        configs = {}
        for number in (1, 2):
            strands["gateway"] = {"name": f"gw-{number}", "id": number}
            strands["peers"][0]["id"] = 3 - number
            configs[number] = os.path.join(crossing.work, f"strands-{number}.yaml")
            with open(configs[number], "w") as file:
                json.dump(strands, file)
        out = replay(BRAIDWAY, configs[2], crossing.inputs, os.path.join(crossing.work, "strands"))
        self.assertEqual(out.drops(), {"tag_for_tunnel": crossing.there.result["order"]["stamped"]})
        there = replay(BRAIDWAY, configs[1], {"host0": os.path.join(DATA, CAPTURES[0])},
                       os.path.join(crossing.work, "stranded"))
        inputs = {name: os.path.join(crossing.work, "stranded", f"{name}.pcap") for name in crossing.inputs}
        out = replay(BRAIDWAY, crossing.sink, inputs, os.path.join(crossing.work, "tunnels"))
        self.assertEqual(out.drops(), {"tag_for_strand": there.result["order"]["stamped"]})

    def test_tunnels_do_not_run_yet(self):
        crossing = self.crossings[CAPTURES[0], 2, 4]
        with open(crossing.source) as file:
            document = json.load(file)
        for i, port in enumerate(document["ports"]):
            port["device"] = f"net_null{i}"
        file = os.path.join(crossing.work, "run.yaml")
        with open(file, "w") as out:
            json.dump(document, out)
        done = subprocess.run([BRAIDWAY, "run", file], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, r"run\.yaml:1:\d+: .*tunnels are for braidway replay")


if __name__ == "__main__":
    BRAIDWAY = sys.argv.pop(1)
    unittest.main()
