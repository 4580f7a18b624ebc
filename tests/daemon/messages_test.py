#!/usr/bin/env python3
"""Two running gateways that exchange messages over four paths of braidway-wire: what they learn, and what they do when a
path is cut, a gateway killed, or somebody else talks to them.

messages_test.py BRAIDWAY BRAIDWAYCTL BRAIDWAY-WIRE
"""
import json
import collections
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Case, PATIENCE, await_true, main, programs, tap, write_config  # noqa: E402
import roce  # noqa: E402
from decoding import report  # noqa: E402
from decoding.octets import Reader  # noqa: E402
from decoding.packet import Options, cut_packet, decode_frame  # noqa: E402
from traffic import Interface, collect, flows, frame  # noqa: E402
from wire_program import Wire  # noqa: E402

PATHS = 4
KEY = "00112233445566778899aabbccddeeff"
# Workers share cores with all else here, and may be off theirs for tens of milliseconds.
HEARTBEAT_US = 100_000
DEAD_AFTER = 3 * HEARTBEAT_US / 1e6


class MessagesCase(Case):
    def setUp(self):
        super().setUp()
        self.key_file = os.path.join(self.folder, "pair.key")
        self.write_key(KEY)
        self.wire = Wire(self.folder, [
            {"name": f"p{i}", "a": f"vhost:{self.path_socket(i, 'a')}", "b": f"vhost:{self.path_socket(i, 'b')}",
             "frames": 512} for i in range(PATHS)], mtu=1528)
        self.addCleanup(self.wire.close)

    def path_socket(self, path, side):
        return os.path.join(self.folder, f"{side}{path}.sock")

    def write_key(self, text, mode=0o600, file=None):
        file = file or self.key_file
        with open(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w") as out:
            out.write(text + "\n")
        os.chmod(file, mode)
        return file

    def config(self, side, key_file=None):
        number, other, far = (1, 2, "b") if side == "a" else (2, 1, "a")
        fabric = [{"name": f"fabric{i}", "role": "fabric", "mtu": 1528, "descriptors": 256,
                   "device": f"virtio_user:{self.path_socket(i, side)}"} for i in range(PATHS)]
        cores = sorted(os.sched_getaffinity(0))
        return {"gateway": {"name": side, "id": number}, "mode": "wire", "idle": "sleep", "policy": "spray",
                "workers": [{"core": cores[number % len(cores)]}],
                "ports": [tap(f"host-{side}", "host"), *fabric],
                "peers": [{"name": far, "id": other, "stamping": "int-md", "hold_us": 50_000,
                           "messages": {"key_file": key_file or self.key_file, "heartbeat_us": HEARTBEAT_US,
                                        "suspect_us": HEARTBEAT_US, "patience_us": 50_000},
                           "paths": [{"port": f"fabric{i}"} for i in range(PATHS)]}],
                "memory": {"hugepages": "off", "limit_mib": 256}}

    def gateway(self, side, **more):
        return self.daemon(self.config(side, **more))

    def peer_of(self, daemon):
        return daemon.api().get("show/peer")

    def await_order(self, *daemons):
        for daemon in daemons:
            await_true("the peer has said that it restores order", lambda d=daemon: self.peer_of(d)["restores_order"])
        self.await_live(*daemons)

    def await_live(self, *daemons):
        """What was sent before the other gateway was there is missed."""
        for daemon in daemons:
            await_true("all paths are live", lambda d=daemon: {path["state"] for path in d.api().paths().values()} == {"live"})

    def cross(self, count, first=0, packets_of=flows(8)):
        """From host a to host b: what came, in order."""
        sender, receiver = Interface("host-a"), Interface("host-b")
        try:
            sender.send(frame(flow, first + i, bytes(64)) for i in range(count) for flow in packets_of)
            return collect([receiver], count * len(packets_of))["host-b"]
        finally:
            sender.close()
            receiver.close()

    def assert_whole_and_in_order(self, got, count, first=0):
        by_qpn = {}
        for data in got:
            qpn, psn = struct.unpack("!II", data[46:54])
            by_qpn.setdefault(qpn, []).append(psn)
        self.assertEqual(sorted(by_qpn), sorted(flow[2] for flow in flows(8)))
        for qpn, psns in by_qpn.items():
            self.assertEqual(psns, list(range(first, first + count)), f"QP {qpn}")


class Learning(MessagesCase):
    def test_that_the_peer_restores_order_and_then_all_paths_are_used(self):
        a, b = self.gateway("a"), self.gateway("b")
        self.await_order(a, b)
        self.assert_whole_and_in_order(self.cross(100), 100)
        stats = a.api().get("show/stats")["order"]
        self.assertEqual(stats["stamped"], 800)
        for name, path in a.api().paths().items():
            self.assertEqual((path["state"], path["received"]["state"], path["lost"]), ("live", "live", 0), name)
        received = [path["received"] for path in b.api().paths().values()]
        self.assertEqual(sum(path["packets"] for path in received), 800)
        self.assertEqual([path for path in received if not path["packets"] or path["late"] or path["overtaken"]], [])
        messages = self.peer_of(a)["messages"]
        self.assertGreater(messages["counts"], 0)
        self.assertEqual([name for name in ("bad_authenticator", "unsent", "too_old") if messages[name]], [])
        self.assertEqual((a.api().drops(), b.api().drops()), ({}, {}))
        code, out, err = self.ctl("show", "peer", socket=a.socket)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("peer b (id 2): restores order, policy spray", out)
        for daemon in (a, b):
            self.assertEqual(daemon.end()[0], 0, daemon.log())

    def test_nothing_is_sprayed_to_a_peer_with_another_key(self):
        other = self.write_key("f" * 32, file=os.path.join(self.folder, "other.key"))
        a, b = self.gateway("a"), self.gateway("b", key_file=other)
        await_true("messages come", lambda: self.peer_of(b)["messages"]["bad_authenticator"])
        got = self.cross(20)
        self.assertEqual(len(got), 160)
        self.assertEqual(a.api().get("show/stats")["order"]["stamped"], 0)
        self.assertFalse(self.peer_of(a)["restores_order"])


class OnTheWire(MessagesCase):
    """What the gateways write, read by the decoder in tests/wire/decoding, which shares nothing with them."""

    def test_messages_and_stamped_packets(self):
        a, b = self.gateway("a"), self.gateway("b")
        self.await_order(a, b)
        file = os.path.join(self.folder, "fabric1")
        a.api().post("capture/start", port="fabric1", file=file)
        self.cross(20)
        before = self.peer_of(a)["messages"]
        await_true("feedback goes on", lambda: self.peer_of(a)["messages"]["feedbacks_sent"] >
                   before["feedbacks_sent"] + 8)
        a.api().post("capture/stop", port="fabric1")
        options = Options(key=bytes.fromhex(KEY))
        kinds = collections.Counter()
        for side, sender in (("rx", 2), ("tx", 1)):
            for captured in roce.read_frames(f"{file}.{side}.pcap"):
                found = decode_frame(captured.data, options)
                if "message" in found:
                    self.assertEqual((found["message"]["sender"], found["message"]["path"]), (sender, 1))
                    self.assertEqual(found["udp"]["checksum"], 0)
                    kinds[side, found["message"]["type"]] += 1
                elif "int" in found:
                    kinds[side, "tagged"] += 1
        self.assertGreater(kinds["tx", 2], 0, kinds)
        self.assertGreater(kinds["rx", 2], 0, kinds)
        self.assertGreater(kinds["tx", "tagged"], 0, kinds)

    def test_reports_to_a_collector(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
            collector.bind(("127.0.0.1", 0))
            collector.settimeout(PATIENCE)
            address = f"127.0.0.1:{collector.getsockname()[1]}"
            config = self.config("b")
            config["telemetry"] = {"reports": {"collectors": [{"address": address}]}}
            a, b = self.gateway("a"), self.daemon(config)
            self.await_order(a, b)
            self.cross(30)
            counted = b.api().get("show/reports")
            self.assertEqual(counted["new_flow"], 8)
            self.assertEqual((counted["suppressed"], counted["no_room"], counted["ring_full"]), (0, 0, 0))
            made = sum(counted[cause] for cause in ("new_flow", "path", "queue", "latency", "heartbeat"))
            flows_told, told, sequence = set(), 0, 0
            while told < made:
                group = report.decode(Reader(collector.recv(65535)), lambda *inner: cut_packet(*inner, Options()))
                self.assertEqual((group["node"], group["sequence"]), (2, sequence))
                sequence += 1
                for each in group["reports"]:
                    self.assertTrue(each["tracked_flow"])
                    flows_told.add(each["inner_headers"]["restored"]["roce"]["dest_qpn"])
                    told += 1
        self.assertEqual(flows_told, {flow[2] for flow in flows(8)})
        await_true("all are sent", lambda: b.api().get("show/reports")["sent"] >= made)
        code, out, _ = self.ctl("show", "reports", socket=b.socket)
        self.assertEqual(code, 0)
        self.assertIn(address, out)


class Trouble(MessagesCase):
    def test_a_path_that_is_cut_is_left_and_comes_back(self):
        a, b = self.gateway("a"), self.gateway("b")
        self.await_order(a, b)
        self.wire.set("p2", cut=True)
        cut_at = time.monotonic()
        for daemon in (a, b):
            await_true("the path is dead", lambda d=daemon: d.api().paths()["fabric2"]["state"] == "dead")
            await_true("the path from the peer is dead",
                       lambda d=daemon: d.api().paths()["fabric2"]["received"]["state"] == "dead")
        print(f"known dead at both ends {time.monotonic() - cut_at:.3f} s after the cut; heartbeats of "
              f"{HEARTBEAT_US / 1e6} s")
        await_true("the log tells", lambda: "path fabric2 to b: dead" in a.log())
        self.assert_whole_and_in_order(self.cross(50), 50)
        self.wire.set("p2", cut=False)
        for daemon in (a, b):
            await_true("the path is back", lambda d=daemon: d.api().paths()["fabric2"]["state"] == "live")
        await_true("the log tells", lambda: "path fabric2 to b: live" in a.log())
        before = a.api().paths()["fabric2"]["packets"]
        self.assert_whole_and_in_order(self.cross(50, first=50), 50, first=50)
        self.assertGreater(a.api().paths()["fabric2"]["packets"], before)

    def test_the_policy_is_a_safer_one_while_half_of_the_paths_are_out(self):
        a, b = self.gateway("a"), self.gateway("b")
        self.await_order(a, b)
        for path in range(PATHS // 2):
            self.wire.set(f"p{path}", cut=True)
        await_true("the policy steps down", lambda: self.peer_of(a)["policy"] != "spray")
        await_true("the log tells", lambda: re.search("policy towards b: .* in place of spray", a.log()))
        self.assert_whole_and_in_order(self.cross(50), 50)

    def test_pinned_flows_leave_a_dead_path_too(self):
        pinned = {}
        for side in ("a", "b"):
            config = self.config(side)
            config["policy"] = "pinned"
            config["peers"][0]["stamping"] = "none"
            pinned[side] = self.daemon(config)
        self.await_live(*pinned.values())
        self.wire.set("p1", cut=True)
        await_true("the path table knows", lambda: pinned["a"].api().paths()["fabric1"]["slots"] == 0)
        self.assert_whole_and_in_order(self.cross(20), 20)
        self.wire.set("p1", cut=False)
        await_true("the path table knows", lambda: pinned["a"].api().paths()["fabric1"]["slots"] > 0)
        self.assertFalse(self.peer_of(pinned["a"])["restores_order"])

    def test_a_killed_gateway_is_known_for_another_when_it_is_back(self):
        a, b = self.gateway("a"), self.gateway("b")
        self.await_order(a, b)
        self.cross(20)
        b.process.send_signal(signal.SIGKILL)
        b.process.wait()
        b = self.gateway("b")
        await_true("the restart is seen", lambda: self.peer_of(a)["boots"] == 1)
        self.await_order(a, b)
        self.assert_whole_and_in_order(self.cross(50, first=20), 50, first=20)
        self.assertEqual(b.api().drops(), {})


class Refusal(MessagesCase):
    def refusal(self, key_file):
        done = subprocess.run([programs["braidway"], "run", write_config(self.folder, self.config("a", key_file))],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def test_keys_that_are_missing_open_or_wrong(self):
        self.assertIn("cannot be read: No such file", self.refusal("/no/such/key"))
        open_key = self.write_key(KEY, 0o644, os.path.join(self.folder, "open.key"))
        self.assertIn(f"chmod 600 {open_key}", self.refusal(open_key))
        short = self.write_key("1234", file=os.path.join(self.folder, "short.key"))
        self.assertIn("exactly 32 hexadecimal digits", self.refusal(short))

    def test_a_replay_needs_no_key(self):
        config = self.config("a", "/no/such/key")
        done = subprocess.run([programs["braidway"], "replay", write_config(self.folder, config), "--in", "host-a=/dev/null",
                               "--out", self.folder], capture_output=True, text=True)
        self.assertNotIn("key", done.stderr)


if __name__ == "__main__":
    main(("braidway", "braidwayctl", "wire"))
