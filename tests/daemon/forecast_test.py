#!/usr/bin/env python3
"""The slow loop in running gateways: what it hears and shows, where its threads run, and what becomes of all else when it
stalls.

forecast_test.py BRAIDWAY BRAIDWAYCTL BRAIDWAY-WIRE
"""
import ctypes
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import await_true, main  # noqa: E402
from messages_test import MessagesCase, PATHS  # noqa: E402
from traffic import Interface, flows, frame  # noqa: E402

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WAIT_FOR_THREADS = 0x40000000  # __WALL


class Stopped:
    """A thread of another process, stopped while all its others go on."""

    def __init__(self, thread):
        self.thread = thread
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self.libc.ptrace.restype = ctypes.c_long

    def ptrace(self, request):
        if self.libc.ptrace(request, self.thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")

    def __enter__(self):
        self.ptrace(PTRACE_SEIZE)
        self.ptrace(PTRACE_INTERRUPT)
        os.waitpid(self.thread, WAIT_FOR_THREADS)
        return self

    def __exit__(self, *_):
        self.ptrace(PTRACE_DETACH)


class Traffic:
    """From host a to host b, again and again until the end."""

    def __init__(self):
        self.sender = Interface("host-a")
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.send)

    def send(self):
        psn = 0
        while not self.ending.is_set():
            self.sender.send(frame(flow, psn, bytes(64)) for flow in flows(8))
            psn = (psn + 1) % (1 << 24)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        self.sender.close()


class ForecastCase(MessagesCase):
    def config(self, side, weights="bias", **more):
        config = super().config(side, **more)
        config["forecast"] = {"weights": weights}
        for path in config["peers"][0]["paths"]:
            path["rate_mbps"] = 2  # of the little that crosses here something shows
        return config

    def threads(self, daemon):
        """{name: [(thread, cores)]}"""
        found = {}
        folder = f"/proc/{daemon.process.pid}/task"
        for thread in os.listdir(folder):
            with open(f"{folder}/{thread}/comm") as file:
                name = file.read().strip()
            found.setdefault(name, []).append((int(thread), os.sched_getaffinity(int(thread))))
        return found


class Showing(ForecastCase):
    def test_what_it_hears_and_expects_is_shown(self):
        a, b = self.gateway("a"), self.gateway("b", weights="observe")
        self.await_order(a, b)
        with Traffic():
            await_true("something is known of the paths' load",
                       lambda: a.api().get("show/model")["known_share"] > 0)
        model = a.api().get("show/model")
        self.assertEqual((model["peer"], model["weights"], model["tick_us"]), ("b", "bias", 1000))
        self.assertEqual(b.api().get("show/model")["weights"], "observe")
        self.assertGreater(model["feedbacks"], 0)
        self.assertGreater(model["ticks"], 0)
        self.assertEqual(model["gates"], 4 * PATHS)
        self.assertEqual([member["name"] for member in model["members"]][:3], ["last", "median", "ewma"])
        for horizon in range(4):
            self.assertAlmostEqual(sum(member["weights"][horizon] for member in model["members"]), 1, places=3)
        paths = a.api().get("show/forecast")["paths"]
        self.assertEqual([(path["name"], path["rate_mbps"], path["bias"]) for path in paths],
                         [(f"fabric{i}", 2, 1) for i in range(PATHS)])
        self.assertEqual([ahead["horizon_ms"] for ahead in paths[0]["ahead"]], [1, 5, 20, 100])
        history = a.api().get("show/history", path="fabric0", last=30000)["rows"]
        self.assertLessEqual(len(history), 20000)
        self.assertGreater(len(history), 10)
        self.assertEqual(len(a.api().get("show/history", path="fabric0", step="100us")["rows"]), 50)
        self.assertEqual(a.api().get("show/events")["events"], 0)
        for command, head in ((["model"], "forecast of the paths to b, every 1000 us: weights bias"),
                              (["forecast"], "path     Mbit/s"), (["events"], "event  time"),
                              (["history", "fabric0"], "us ago"), (["history", "fabric0", "--step", "100us"], "us ago")):
            code, out, err = self.ctl("show", *command, socket=a.socket)
            self.assertEqual((code, err), (0, ""), command)
            self.assertIn(head, out)
        self.assertEqual(a.api().get("show/peer")["messages"]["unforeseen"], 0)
        for daemon in (a, b):
            self.assertEqual(daemon.end()[0], 0, daemon.log())

    def test_what_cannot_be_shown_is_said(self):
        a = self.gateway("a")
        for command, what in ((["history", "nosuch"], "there is no path 'nosuch'"),
                              (["history", "fabric0", "--last", "0"], "--last '0' is no number of rows"),
                              (["events", "--last", "many"], "--last 'many' is no number of rows"),
                              (["history", "fabric0", "--step", "1s"], "--step '1s' is none; tick")):
            code, _, err = self.ctl("show", *command, socket=a.socket)
            self.assertEqual(code, 1, command)
            self.assertIn(what, err)
        config = self.config("b")
        del config["forecast"]
        b = self.daemon(config)
        for command in ("model", "forecast", "events"):
            code, _, err = self.ctl("show", command, socket=b.socket)
            self.assertEqual(code, 1, command)
            self.assertIn("nothing is forecast; write forecast: {weights: observe}", err)


class Recording(ForecastCase):
    def test_what_was_heard_is_in_the_file(self):
        a, b = self.gateway("a"), self.gateway("b")
        self.await_order(a, b)
        file = os.path.join(self.folder, "paths.trace")
        code, out, _ = self.ctl("record", "start", "--file", file, socket=a.socket)
        self.assertEqual((code, out), (0, f"recording into {file}\n"))
        heard = a.api().get("show/model")["feedbacks"]
        with Traffic():
            await_true("a hundred messages are heard", lambda: a.api().get("show/model")["feedbacks"] >= heard + 100)
        self.assert_refused(a, ("record", "start", "--file", file + "2"), f"{file} is being recorded; stop that first")
        code, out, _ = self.ctl("record", "stop", socket=a.socket)
        self.assertEqual(code, 0)
        self.assertGreaterEqual(int(out.split()[1]), 100)
        with open(file, "rb") as trace:
            self.assertEqual(trace.read(8), b"BWTRACE\n")
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        self.assert_refused(a, ("record", "stop"), "nothing is being recorded; record start first")
        self.assert_refused(a, ("record", "start", "--file", file), "exists already")
        self.assert_refused(a, ("record", "start", "--file", "here"), "relative to the daemon")

    def assert_refused(self, daemon, command, what):
        code, _, err = self.ctl(*command, socket=daemon.socket)
        self.assertEqual(code, 1, command)
        self.assertIn(what, err)


class Running(ForecastCase):
    def test_its_threads_are_on_control_cores(self):
        a, b = self.gateway("a"), self.gateway("b")
        self.await_order(a, b)
        worker = self.config("a")["workers"][0]["core"]
        with Traffic():
            await_true("paths have been refitted", lambda: a.api().get("show/model")["refits"] > 0)
        threads = self.threads(a)
        self.assertIn("forecast", threads)
        others = os.sched_getaffinity(0) - {worker}
        for name, of in threads.items():
            for _, cores in of:
                if others and not name.startswith("rte-worker"):
                    self.assertEqual(cores & {worker}, set(), name)
        self.assertLessEqual(a.api().get("show/model")["refit_threads"], max(1, len(others)))

    def test_workers_go_on_when_it_stalls_and_it_is_told(self):
        a, b = self.gateway("a"), self.gateway("b")
        self.await_order(a, b)
        (thread, _), = self.threads(a)["forecast"]
        with Stopped(thread):
            await_true("the stall is told", lambda: "the forecast has stalled" in a.log())
            self.assert_whole_and_in_order(self.cross(100), 100)
            self.assertEqual({path["state"] for path in a.api().paths().values()}, {"live"})
        await_true("its end is told, too", lambda: "the forecast goes on" in a.log())
        await_true("it goes on", lambda: not a.api().get("show/model")["stalled"])
        self.assertEqual((a.api().drops(), b.api().drops()), ({}, {}))
        self.assertEqual(a.end()[0], 0, a.log())


if __name__ == "__main__":
    main(("braidway", "braidwayctl", "wire"))
