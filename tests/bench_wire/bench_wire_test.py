#!/usr/bin/env python3
"""What braidway-wire does to frames between real ports, and that requests change it while it runs.

bench_wire_test.py BRAIDWAY-WIRE BRAIDWAY-TRAFFIC
"""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "daemon"))
from harness import PATIENCE, Case, await_true, main, programs  # noqa: E402
from traffic import Interface, collect, flows, frame  # noqa: E402
from wire_program import Wire  # noqa: E402

FLOW = flows(1)[0]
DIRECTIONS = ("a>b", "b>a")


def frames(count, payload=64, first=0):
    """RC SENDs of one flow, numbered by PSN."""
    return [frame(FLOW, first + psn, bytes(payload)) for psn in range(count)]


def ecn_capable(data):
    """The same IPv4 frame with ECT(0) and a right header checksum."""
    header = bytearray(data[14:34])
    header[1], header[10], header[11] = 2, 0, 0
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    header[10:12] = struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF)
    return data[:14] + bytes(header) + data[34:]


class WireCase(Case):
    def assert_adds_up(self, direction):
        """Nothing is invented, and what is missing has a name."""
        self.assertEqual(direction["received"] + direction["duplicated"],
                         direction["delivered"] + sum(direction["drops"].values()) + direction["held"], direction)

    def wire(self, paths, **more):
        wire = Wire(self.folder, paths, **more)
        self.addCleanup(wire.close)
        return wire


class Taps(WireCase):
    """A path between two TAPs, so that every frame is seen."""

    def setUp(self):
        super().setUp()
        self.wire_ = self.wire([{"name": "p", "a": "tap:left", "b": "tap:right"}])
        await_true("both ends are up", self.wire_.up)
        self.left, self.right = Interface("left"), Interface("right")
        self.addCleanup(self.left.close)
        self.addCleanup(self.right.close)

    def carry(self, sent, count=None):
        """What arrives on the right of what is sent on the left."""
        before = self.wire_.direction()["received"]
        self.left.send(sent)
        self.wire_.await_received(before + len(sent))
        return collect([self.right], len(sent) if count is None else count)["right"]

    def test_frames_cross_as_they_are_and_in_order_both_ways(self):
        sent = frames(200)
        self.assertEqual(self.carry(sent), sent)
        self.right.send(sent)
        self.assertEqual(collect([self.left], len(sent))["left"], sent)
        report = self.wire_.end()
        for which in DIRECTIONS:
            direction = report["paths"][0][which]
            self.assertEqual((direction["received"], direction["delivered"]), (200, 200))
            self.assertEqual(direction["delivered_bytes"], sum(map(len, sent)))
            self.assertEqual(set(direction["drops"].values()), {0})
        self.assertEqual(report["late_ns"]["frames"], 400)
        self.assert_nothing_left()

    def test_a_cut_drops_all_and_one_direction_alone_may_be_cut(self):
        self.wire_.set(direction="a>b", cut=True)
        self.assertEqual(self.carry(frames(50), 0), [])
        self.assertEqual(self.wire_.direction()["drops"]["cut"], 50)
        self.right.send(frames(50))
        self.assertEqual(collect([self.left], 50)["left"], frames(50))
        self.wire_.set(cut=False)
        again = frames(50, first=1000)
        self.assertEqual(self.carry(again), again)
        self.assert_adds_up(self.wire_.direction())

    def test_a_frame_arrives_no_sooner_than_its_delay_and_in_order_though_the_delay_shrinks(self):
        delay = 0.4
        self.wire_.set(delay_us=delay * 1e6)
        began = time.monotonic()
        self.left.send(frames(1))
        await_true("it has come", lambda: self.wire_.direction()["received"] == 1)
        self.wire_.set(delay_us=0)
        self.left.send(frames(1, first=1))
        self.assertEqual(collect([self.right], 2)["right"], frames(2))
        self.assertGreater(time.monotonic() - began, delay)

    def test_a_rate_takes_its_time_and_a_full_queue_has_a_name(self):
        size = len(frames(1, payload=1000)[0])
        self.wire_.set(rate_mbps=1, queue_bytes=20 * size)
        began = time.monotonic()
        self.left.send(frames(60, payload=1000))
        self.wire_.await_received(60)
        direction = self.wire_.direction()
        self.assert_adds_up(direction)
        self.assertGreaterEqual(direction["delivered"], 21)
        self.assertEqual(direction["drops"]["queue_full"], 60 - direction["delivered"])
        self.assertGreater(direction["drops"]["queue_full"], 0)
        self.assertGreater(time.monotonic() - began, direction["delivered"] * size * 8 / 1e6)

    def test_loss_of_all_is_counted_and_nothing_arrives(self):
        self.wire_.set(loss=1)
        self.assertEqual(self.carry(frames(30), 0), [])
        self.assertEqual(self.wire_.direction()["drops"]["lost"], 30)
        self.wire_.set(loss=0)
        self.assertEqual(self.carry(frames(3)), frames(3))

    def test_a_doubled_frame_arrives_twice_in_a_row(self):
        self.wire_.set(duplication=1)
        self.assertEqual(self.carry(frames(20), 40), [each for each in frames(20) for _ in range(2)])
        direction = self.wire_.direction()
        self.assertEqual((direction["duplicated"], direction["delivered"]), (20, 40))
        self.assert_adds_up(direction)

    def test_a_damaged_frame_differs_in_one_bit_of_its_payload(self):
        self.wire_.set(corruption=1)
        sent = frames(40)
        headers = 14 + 20 + 8
        places = set()
        for before, after in zip(sent, self.carry(sent), strict=True):
            self.assertEqual(before[:headers], after[:headers])
            flipped = int.from_bytes(before, "big") ^ int.from_bytes(after, "big")
            self.assertEqual(flipped.bit_count(), 1)
            places.add(flipped)
        self.assertGreater(len(places), 20, "not always the same bit")
        self.assertEqual(self.wire_.direction()["corrupted"], 40)

    def test_ce_marks_ecn_capable_packets_only(self):
        self.wire_.set(ce=1)
        plain, capable = frames(1)[0], ecn_capable(frames(1)[0])
        got = self.carry([plain, capable])
        self.assertEqual(got[0], plain)
        self.assertEqual(got[1][15], 3)
        self.assertEqual(sum(struct.unpack("!10H", got[1][14:34])) % 0xFFFF, 0, "the header's checksum is right")
        self.assertEqual((got[1][:15], got[1][16:24], got[1][26:]), (capable[:15], capable[16:24], capable[26:]))
        self.assertEqual(self.wire_.direction()["marked"], 1)

    def test_wrong_requests_are_answered_with_the_field_and_change_nothing(self):
        self.wire_.set(delay_us=10, loss=0.25)
        before = [self.wire_.path()[which]["parameters"] for which in DIRECTIONS]
        for line, field in (("", "not one request"), ("{", "not one request"), ('{"stop": 1}', "unknown request"),
                            ('{"set": {"path": "q", "cut": true}}', "set.path"),
                            ('{"set": {"path": "p", "delay_us": 20, "loss": 7}}', "set.loss"),
                            ('{"set": {"path": "p", "loss": 0, "los": 0}}', "set.los"),
                            ('{"set": {"path": "p", "direction": "up", "cut": true}}', "set.direction")):
            with self.subTest(line=line):
                answer = self.wire_.ask(line)
                self.assertEqual(list(answer), ["error"])
                self.assertTrue(answer["error"].startswith(field), answer)
        self.assertEqual([self.wire_.path()[which]["parameters"] for which in DIRECTIONS], before)
        self.assertEqual(before[0]["loss"], 0.25)

    def test_the_program_itself_asks_the_running_one(self):
        def asked(request):
            done = subprocess.run([programs["wire"], self.wire_.file, "--ask", request], capture_output=True, text=True,
                                  timeout=PATIENCE)
            return done.returncode, done.stdout, done.stderr
        code, out, _ = asked('{"set": {"path": "p", "loss": 0.5}}')
        self.assertEqual((code, json.loads(out)), (0, {"ok": True}))
        code, out, _ = asked('{"show": true}')
        self.assertEqual((code, json.loads(out)["paths"][0]["a>b"]["parameters"]["loss"]), (0, 0.5))
        code, out, errors = asked('{"set": {"path": "p", "loss": 5}}')
        self.assertEqual((code, out), (1, ""))
        self.assertIn("set.loss: 5 stands here", errors)
        self.wire_.end()
        code, _, errors = asked('{"show": true}')
        self.assertEqual(code, 1)
        self.assertIn("is it running?", errors)

    def test_clients_that_misbehave_hold_up_nobody(self):
        silent = [socket.socket(socket.AF_UNIX) for _ in range(5)]
        for client in silent:
            self.addCleanup(client.close)
            client.connect(self.wire_.socket)
        silent[0].sendall(b"half a line")
        silent[1].sendall(b"\xff\0\n" * 100)
        silent[1].close()
        endless = silent[2]
        endless.settimeout(PATIENCE)
        try:
            while True:
                endless.sendall(b"x" * 65536)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was hung up on
        self.assertEqual(self.carry(frames(5)), frames(5))
        self.assertTrue(self.wire_.show())

    def test_both_signals_end_it_with_frames_on_the_line(self):
        self.wire_.set(delay_us=10_000_000)
        self.left.send(frames(10))
        await_true("they are on the line", lambda: self.wire_.direction()["held"] == 10)
        direction = self.wire_.end(signal.SIGINT)["paths"][0]["a>b"]
        self.assert_adds_up(direction)
        self.assertEqual(direction["held"], 10)
        self.assert_nothing_left()


class Vhost(WireCase):
    """A path between the two vhost-user ports that braidway-traffic connects to."""

    def setUp(self):
        super().setUp()
        self.sockets = [os.path.join(self.folder, f"{end}.sock") for end in "ab"]
        self.wire_ = self.wire([{"name": "p", "a": f"vhost:{self.sockets[0]}", "b": f"vhost:{self.sockets[1]}",
                                 "both": {"delay_us": 50}}])

    def traffic(self, *options):
        """Starts braidway-traffic and returns when frames cross; result() then reads its end."""
        process = subprocess.Popen(
            [programs["traffic"], "--client-device", f"net_virtio_user0,path={self.sockets[0]},queue_size=256",
             "--server-device", f"net_virtio_user1,path={self.sockets[1]},queue_size=256", "--no-huge", "--qps", "8",
             "--message-bytes", "4096", "--outstanding", "128", "--rate", "20000", "--hold", "--json",
             os.path.join(self.folder, "traffic.json"), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.put_down, process)
        self.assertEqual(process.stdout.readline(), "both ports are up\n")
        await_true("both ends are up", self.wire_.up)
        before = self.wire_.direction()["delivered"]
        process.stdin.write("go\n")
        process.stdin.flush()
        await_true("frames cross", lambda: self.wire_.direction()["delivered"] > before + 200)
        return process

    @staticmethod
    def put_down(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def result(self, process):
        out, errors = process.communicate(timeout=90)
        try:
            with open(os.path.join(self.folder, "traffic.json")) as file:
                return process.returncode, json.load(file)
        except FileNotFoundError:
            raise AssertionError(out + errors + self.wire_.words()) from None

    def drops(self):
        path = self.wire_.path()
        return {reason: sum(path[which]["drops"][reason] for which in DIRECTIONS)
                for reason in path["a>b"]["drops"]}

    def test_rdma_traffic_crosses_clean_and_both_sides_count_the_same(self):
        code, traffic = self.result(self.traffic("--seconds", "2"))
        self.assertEqual(code, 0, traffic)
        path = self.wire_.end()["paths"][0]
        for which in DIRECTIONS:
            self.assert_adds_up(path[which])
            self.assertEqual(set(path[which]["drops"].values()), {0})
        delivered = sum(path[which]["delivered"] for which in DIRECTIONS)
        # Beyond what the traffic program counts there are its greetings.
        self.assertGreaterEqual(delivered, traffic["sent"])
        self.assertLess(delivered - traffic["sent"], 200)
        self.assert_nothing_left()

    def test_what_the_wire_loses_damages_and_doubles_the_traffic_program_misses_and_sees(self):
        process = self.traffic("--seconds", "3")
        # A frame both damaged and doubled would be damaged twice: the one happens there, the other back.
        self.wire_.set(direction="a>b", loss=0.008, corruption=0.006)
        self.wire_.set(direction="b>a", duplication=0.004)
        _, traffic = self.result(process)
        path = self.wire_.path()
        self.assertGreater(traffic["lost"], 0)
        self.assertEqual(traffic["lost"], self.drops()["lost"])
        self.assertEqual(traffic["icrc_errors"], path["a>b"]["corrupted"])
        self.assertGreater(traffic["icrc_errors"], 0)
        self.assertGreater(path["b>a"]["duplicated"], 0)
        self.assertGreater(traffic["duplicates"], 0)
        for which in DIRECTIONS:
            self.assert_adds_up(path[which])

    def test_reordering_is_seen_and_nothing_is_lost_by_it(self):
        process = self.traffic("--seconds", "3")
        self.wire_.set(direction="a>b", delay_us=500, reorder=0.01)
        _, traffic = self.result(process)
        self.assertGreater(self.wire_.direction()["reordered"], 0)
        self.assertGreater(traffic["reordered"], 0)
        self.assertEqual((traffic["lost"], set(self.drops().values())), (0, {0}))

    def test_jitter_keeps_the_order(self):
        process = self.traffic("--seconds", "2")
        self.wire_.set(delay_us=200, jitter_us=150, jitter_shape="normal")
        code, traffic = self.result(process)
        self.assertEqual((code, traffic["reordered"]), (0, 0), traffic)

    def test_a_neighbour_that_is_killed_leaves_the_wire_fit_for_the_next(self):
        for _ in range(3):
            process = self.traffic("--seconds", "60")
            process.kill()
            process.communicate()
            await_true("both ends are down", lambda: {self.wire_.path()[end] for end in "ab"} == {"down"})
        code, traffic = self.result(self.traffic("--seconds", "1"))
        self.assertEqual(code, 0, traffic)
        path = self.wire_.end()["paths"][0]
        for which in DIRECTIONS:
            self.assert_adds_up(path[which])

    def test_a_wire_whose_neighbours_never_come_ends_as_well(self):
        self.assertEqual([self.wire_.path()[end] for end in "ab"], ["down", "down"])
        self.wire_.end()
        self.assert_nothing_left()


if __name__ == "__main__":
    main(("wire", "traffic"))
