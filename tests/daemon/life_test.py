#!/usr/bin/env python3
"""The daemon's life: it carries frames, ends cleanly whenever it is told to, and comes back after being killed.

life_test.py BRAIDWAY BRAIDWAYCTL
"""
import os
import signal
import time

from harness import Case, Daemon, await_true, main, settings, taps
from traffic import Interface, Stream, collect, flows, frame
import roce

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# When the signal comes before main() has asked for it, it ends the process as it would any other.
START_UP_CODES = {0, *(-each for each in SIGNALS)}
START_UP_DELAYS = (0, 0.005, 0.01, 0.02, 0.03, 0.045, 0.06, 0.08, 0.1, 0.13, 0.17, 0.22)


class Ending(Case):
    def test_a_signal_at_rest_ends_it(self):
        for idle in ("sleep", "poll"):
            for each in SIGNALS:
                with self.subTest(idle=idle, signal=each.name):
                    self.assert_ends(self.daemon(settings(taps(), idle=idle)), each)

    def test_a_signal_under_traffic_ends_it(self):
        for each in SIGNALS:
            with self.subTest(signal=each.name):
                daemon = self.daemon(settings(taps()))
                host = Interface("host0")
                with Stream(host, flows(50)):
                    await_true("traffic flows",
                               lambda: sum(path["packets"] for path in daemon.api().paths().values()) > 500)
                    self.assert_ends(daemon, each)
                host.close()

    def test_a_signal_during_start_ends_it(self):
        for delay in START_UP_DELAYS:
            for each in SIGNALS:
                with self.subTest(delay=delay, signal=each.name):
                    daemon = Daemon(self.folder, settings(taps()))
                    self.addCleanup(daemon.__exit__)
                    time.sleep(delay)  # the moment is what is tested
                    code, seconds = daemon.end(each)
                    self.assertIn(code, START_UP_CODES, daemon.log())
                    self.assertLess(seconds, 3)
                    self.assert_nothing_left()

    def test_a_second_signal_does_no_harm(self):
        daemon = self.daemon(settings(taps()))
        daemon.process.send_signal(signal.SIGTERM)
        self.assert_ends(daemon, signal.SIGINT)

    def test_other_signals_do_not_end_it(self):
        daemon = self.daemon(settings(taps()))
        daemon.process.send_signal(signal.SIGPIPE)
        daemon.process.send_signal(signal.SIGCHLD)
        daemon.process.send_signal(signal.SIGWINCH)
        daemon.api().get("show/ports")
        self.assert_ends(daemon)

    def test_it_starts_again_after_being_killed(self):
        ports = taps(2)
        ports[2]["device"] = f"vhost:{self.folder}/fabric1.sock"
        config = settings(ports)
        killed = self.daemon(config)
        killed.process.kill()
        killed.process.wait()
        self.assertTrue(os.path.exists(killed.socket))
        self.assertTrue(os.path.exists(f"{self.folder}/fabric1.sock"))
        self.assert_ends(self.daemon(config))

    def test_it_starts_again_and_again(self):
        for _ in range(5):
            self.assert_ends(self.daemon(settings(taps(1))))


class Carrying(Case):
    def interfaces(self, *names):
        found = [Interface(name) for name in names]
        for each in found:
            self.addCleanup(each.close)
        return found

    def test_frames_of_the_host_leave_by_their_flows_path_untouched(self):
        for idle in ("sleep", "poll"):
            with self.subTest(idle=idle):
                daemon = self.daemon(settings(taps(), idle=idle))
                host, *fabric = self.interfaces("host0", "fabric0", "fabric1", "fabric2")
                api = daemon.api()
                of = flows(60) + flows(60, version=6)
                expected = {each.name: [] for each in fabric}
                for flow in of:
                    expected[api.path_of(flow)] += [frame(flow, psn, bytes([psn]) * 40) for psn in range(3)]
                host.send([each for some in expected.values() for each in some])
                got = collect(fabric, 3 * len(of))
                for name, frames in expected.items():
                    self.assertTrue(frames, f"no flow takes {name}")
                    self.assertEqual(got[name], frames)
                self.assertEqual(api.drops(), {})
                self.assert_ends(daemon)

    def test_frames_of_the_fabric_leave_by_the_host_port(self):
        daemon = self.daemon(settings(taps()))
        host, *fabric = self.interfaces("host0", "fabric0", "fabric1", "fabric2")
        frames = [frame(flow, 7) for flow in flows(90)]
        for i, each in enumerate(fabric):
            each.send(frames[30 * i:30 * (i + 1)])
        got = collect([host], len(frames))
        self.assertEqual(sorted(got["host0"]), sorted(frames))
        self.assertEqual(collect(fabric, 1, seconds=0.1), {each.name: [] for each in fabric}, "fabric to fabric")
        self.assert_ends(daemon)

    def test_two_workers_with_two_queues_keep_flows_in_order_and_lose_nothing(self):
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("one core")
        daemon = self.daemon(settings(taps(2, queues=2, descriptors=1024), workers=2))
        host, *fabric = self.interfaces("host0", "fabric0", "fabric1")
        api, of, rounds = daemon.api(), flows(40), 100
        path_of = {flow: api.path_of(flow) for flow in of}
        for way, senders, receivers in (("source", [host], fabric), ("sink", fabric, [host])):
            with self.subTest(way):
                got = {}
                # A flow keeps its UDP source port, as an RNIC does, by which the kernel chooses its queue; ten rounds
                # are on their way at a time, fewer frames than the queues hold.
                for first in range(0, rounds, 10):
                    for psn in range(first, first + 10):
                        for i, flow in enumerate(of):
                            senders[i % len(senders)].send([frame(flow, psn, source_port=49152 + i)])
                    for name, frames in collect(receivers, 10 * len(of)).items():
                        got.setdefault(name, []).extend(frames)
                psns = {}
                for name, frames in got.items():
                    for data in frames:
                        packet = roce.parse(data)
                        flow = tuple(packet.flow)
                        psns.setdefault(flow, []).append(packet.psn)
                        if way == "source":
                            self.assertEqual(name, path_of[flow])
                self.assertEqual(psns, {flow: list(range(rounds)) for flow in of})
        stats = api.get("show/stats")
        adopted = {stage["way"]: stage["packets"] for stage in stats["stages"] if stage["stage"] == "adopt"}
        self.assertGreater(adopted["source_adopted"], 0, "nothing was handed over: the test shows nothing")
        self.assertEqual(api.drops(), {})
        self.assert_ends(daemon)


if __name__ == "__main__":
    main()
