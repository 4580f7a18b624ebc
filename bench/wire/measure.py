#!/usr/bin/env python3
"""What one core of braidway-wire carries over four paths of 50 us, and how late frames leave.

    scripts/bench wire [--rounds 5] [--seconds 1]

rate    every path takes 64-byte frames from an endless source (DPDK's net_null) in one direction. Frames a second of
        the program's processor time, so that what the machine gives to others is left out.
timing  the ends are vhost-user sockets, and RoCEv2 of braidway-traffic crosses the first path at 50,000 frames a second
        while the loop polls all four. Lateness is a frame's handing over to its port against the plan; here what
        others take from the core is in it.

Each round has fresh processes. Noise is the spread of the rounds: the same thing measured again.
"""
import argparse
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PATHS = 4
DELAY_US = 50
PATIENCE = 20
TRAFFIC_RATE = 50_000
BUILD = pathlib.Path(os.environ.get("BRAIDWAY_BUILD", "build")).resolve()


class BenchError(Exception):
    """A sentence for the user."""


class Wire:
    def __init__(self, folder, ends):
        self.socket = str(folder / "wire.sock")
        config = {"control": self.socket, "core": max(os.sched_getaffinity(0)), "mtu": 1500,
                  "paths": [{"name": f"p{i}", "a": a, "b": b, "both": {"delay_us": DELAY_US}}
                            for i, (a, b) in enumerate(ends)]}
        (folder / "wire.yaml").write_text(json.dumps(config))  # JSON is YAML
        self.process = subprocess.Popen([BUILD / "bench/wire/braidway-wire", folder / "wire.yaml"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        env=os.environ | {"RUNTIME_DIRECTORY": str(folder)})
        try:
            self._await_answer()
        except BaseException:
            self.close()
            raise

    def _await_answer(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            if self.process.poll() is not None:
                raise BenchError(f"braidway-wire ended with {self.process.returncode}")
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                self.show()
                return
            if time.monotonic() > deadline:
                raise BenchError(f"braidway-wire does not answer within {PATIENCE} s")
            time.sleep(0.01)

    def show(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(self.socket)
            client.sendall(b'{"show": true}\n')
            with client.makefile() as answers:
                return json.loads(answers.readline())

    def delivered(self):
        return sum(path[which]["delivered"] for path in self.show()["paths"] for which in ("a>b", "b>a"))

    def cpu_seconds(self):
        """Processor time of all threads; while it runs, all but the packet loop's is next to nothing."""
        threads = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


@contextlib.contextmanager
def wire(ends_in):
    with tempfile.TemporaryDirectory(prefix="bw-") as name:
        folder = pathlib.Path(name)
        running = Wire(folder, ends_in(folder))
        try:
            yield running, folder
        finally:
            running.close()


def rate(seconds):
    """Frames a second of processor time."""
    with wire(lambda _: [(f"net_null{2 * i}", f"net_null{2 * i + 1},no-rx=1") for i in range(PATHS)]) as (running, _):
        frames, cpu = -running.delivered(), -running.cpu_seconds()
        time.sleep(seconds)
        frames, cpu = frames + running.delivered(), cpu + running.cpu_seconds()
        return frames / cpu


def timing(seconds):
    """Lateness of the frames of a few seconds of RoCEv2: (median, p99, worst), ns."""
    ends = [("p{}-a.sock", "p{}-b.sock")] * PATHS
    with wire(lambda folder: [tuple(f"vhost:{folder / name.format(i)}" for name in pair)
                              for i, pair in enumerate(ends)]) as (running, folder):
        devices = [f"net_virtio_user{i},path={folder / name},queue_size=1024"
                   for i, name in enumerate(("p0-a.sock", "p0-b.sock"))]
        done = subprocess.run([BUILD / "bench/traffic/braidway-traffic", "--client-device", devices[0],
                               "--server-device", devices[1], "--seconds", str(seconds), "--outstanding", "512",
                               "--message-bytes", "1024", "--path-mtu", "1024", "--rate", str(TRAFFIC_RATE // 2)],
                              capture_output=True, text=True, env=os.environ | {"RUNTIME_DIRECTORY": str(folder)})
        if done.returncode:
            raise BenchError(f"braidway-traffic ended with {done.returncode}: {done.stdout}{done.stderr}")
        late = running.show()["late_ns"]
        return late["median"], late["p99"], late["worst"], late["frames"] / seconds


def spread(values):
    return f"{statistics.median(values):12,.0f}   (rounds: {min(values):,.0f} to {max(values):,.0f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1)
    args = parser.parse_args()
    if args.rounds < 1 or args.seconds < 1:
        parser.error("--rounds and --seconds are 1 or more")
    try:
        rates = [rate(args.seconds) for _ in range(args.rounds)]
        timings = list(zip(*(timing(args.seconds) for _ in range(args.rounds))))
    except BenchError as error:
        sys.exit(f"bench: {error}")
    print(f"{PATHS} paths of {DELAY_US} us, {args.rounds} rounds of {args.seconds} s: median of the rounds")
    print(f"  frames a second of one core   {spread(rates)}")
    for what, values in zip(("late, median, ns", "late, p99, ns", "late, worst, ns", "at frames a second"), timings):
        print(f"  {what:29} {spread(values)}")


if __name__ == "__main__":
    main()
