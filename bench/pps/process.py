"""A DPDK program under measurement: started, paused, resumed, read and always reaped.

Both peers are read in one way: packet counters from the program's own DPDK telemetry socket, and from the kernel how
long the forwarding thread waited for its core. Nothing here knows which program it is.
"""
import contextlib
import ctypes
import dataclasses
import json
import os
import pathlib
import signal
import socket
import subprocess
import time


class BenchError(Exception):
    """A sentence for the user: what went wrong, and what to do where that is known."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """Counters at one instant (seconds of the monotonic clock)."""
    at: float
    packets: int   # transmitted, all ports
    waited: float  # seconds the forwarding thread was runnable but not on its core


class Telemetry:
    """A connection to the telemetry socket of one DPDK process (DPDK's telemetry guide, "v2")."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.settimeout(10)
            self._socket.connect(path)
            greeting = json.loads(self._socket.recv(4096))
        except (OSError, ValueError):
            self._socket.close()
            raise
        self.pid = greeting["pid"]
        self._limit = greeting["max_output_len"]

    def ask(self, command):
        self._socket.send(command.encode())
        return json.loads(self._socket.recv(self._limit))[command.split(",")[0]]

    def close(self):
        self._socket.close()


def find_telemetry(directory, pid):
    """The telemetry of that process below a runtime directory, or None: the greeting says whose it is."""
    for path in directory.glob("dpdk/*/dpdk_telemetry.v2*"):
        try:
            telemetry = Telemetry(str(path))
        except (OSError, ValueError):
            continue  # being set up
        if telemetry.pid == pid:
            return telemetry
        telemetry.close()
    return None


class Process:
    """A DPDK program, forwarding on one core; its log and DPDK's sockets are kept in `directory`. Use as a context
    manager; leaving it ends and reaps the program."""

    def __init__(self, name, command, cores, directory):
        self.name = name
        self.command = [str(word) for word in command]
        self._core, self._control_core = cores
        self._directory = directory
        self._log = directory / f"{name}.log"
        self._process = None
        self._telemetry = None
        self._ports = []
        self._thread = None

    def __enter__(self):
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=log, stderr=log,
                                             env=os.environ | {"RUNTIME_DIRECTORY": str(self._directory)},
                                             preexec_fn=self._in_child, start_new_session=True)
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self._process.pid

    def log(self):
        return self._log.read_text(errors="replace")

    def type(self, line):
        """Types a line into the program."""
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def wait_for(self, what, condition, seconds=60.0):
        """Waits until the condition holds; a program that ends meanwhile, or never gets there, is an error."""
        end = time.monotonic() + seconds
        while not (result := condition()):
            if self._process.poll() is not None:
                raise BenchError(f"{self.name} ended (exit code {self._process.returncode}) before it {what}; "
                                 f"its last words:\n{self._tail()}")
            if time.monotonic() > end:
                raise BenchError(f"{self.name} has not {what} within {seconds:.0f} s; its last words:\n{self._tail()}")
            time.sleep(0.001)
        return result

    def wait_first_packet(self):
        """Returns when any packet has gone out, within a millisecond or two."""
        if self._telemetry is None:
            self._telemetry = self.wait_for("opened its telemetry socket",
                                            lambda: find_telemetry(self._directory, self.pid))
        self.wait_for("forwarded a packet", self._has_forwarded)

    def wait_forwarding(self):
        """Returns when packets are going out."""
        self.wait_first_packet()
        first = self.transmitted()
        self.wait_for("forwarded packets", lambda: self.transmitted() > first)
        self._thread = self._forwarding_thread()

    def received(self):
        """Packets taken in at all ports."""
        return self._count("ipackets")

    def transmitted(self):
        """Packets sent out at all ports."""
        return self._count("opackets")

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def read(self):
        before = time.monotonic()
        packets = self.transmitted()
        after = time.monotonic()
        return Reading((before + after) / 2, packets, self._waited())

    def memory_mib(self):
        """What the program holds, hugepages and others, MiB."""
        fields = {}
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            key, _, rest = line.partition(":")
            fields[key] = rest.split()
        return sum(int(fields[key][0]) for key in ("VmRSS", "HugetlbPages")) // 1024

    def stop(self):
        """Asks the program to end (SIGKILL if it does not within 20 s) and reaps it; harmless when repeated."""
        if self._telemetry is not None:
            self._telemetry.close()
            self._telemetry = None
        if self._process is None:
            return
        process = self._process
        try:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                self._ask_to_end(process)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            self._process = None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()

    def _ask_to_end(self, process):
        process.terminate()

    def _in_child(self):
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        os.sched_setaffinity(0, {self._core, self._control_core})

    def _tail(self):
        return "\n".join("    " + line for line in self.log().splitlines()[-12:])

    def _has_forwarded(self):
        self._ports = self._telemetry.ask("/ethdev/list")  # anew: ports appear one by one
        return self.transmitted() > 0

    def _count(self, what):
        return sum(self._telemetry.ask(f"/ethdev/stats,{port}")[what] for port in self._ports)

    def _forwarding_thread(self):
        """The busiest thread that may run on the forwarding core only."""
        pinned = []
        for entry in os.listdir(f"/proc/{self.pid}/task"):
            thread = int(entry)
            if os.sched_getaffinity(thread) == {self._core}:
                pinned.append((self._schedstat(thread)[0], thread))
        if not pinned:
            raise BenchError(f"{self.name} has no thread pinned to core {self._core}")
        return max(pinned)[1]

    def _schedstat(self, thread):
        path = f"/proc/{self.pid}/task/{thread}/schedstat"
        return [int(word) for word in pathlib.Path(path).read_text().split()]

    def _waited(self):
        return self._schedstat(self._thread)[1] / 1e9
