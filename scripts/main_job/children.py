"""The programs of one run: started, watched, ended; and the one place where the run waits."""
import ctypes
import os
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE = 10  # seconds a program has to end once asked
LOG_LINES = 12


class JobError(Exception):
    """The run cannot go on; the message says why."""


class Interrupted(Exception):
    """SIGINT, SIGTERM or SIGHUP came."""


def _in_child():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


class Child:
    """One program. What it says is kept in a log, to be shown when something goes wrong. With one that is `spoken`
    to, stdout is read with lines() and stdin written with tell()."""

    def __init__(self, name, command, directory, spoken):
        self.name = name
        self._log = os.path.join(directory, f"{name.replace(' ', '-')}.log")
        with open(self._log, "wb") as log:
            # A session of its own: Ctrl-C at the terminal reaches the run alone, which ends its programs in order.
            # DPDK puts its files below RUNTIME_DIRECTORY, so they go with the folder even when the program is killed.
            self._process = subprocess.Popen(command, stderr=log, stdout=subprocess.PIPE if spoken else log,
                                             stdin=subprocess.PIPE if spoken else subprocess.DEVNULL,
                                             env=os.environ | {"RUNTIME_DIRECTORY": directory},
                                             preexec_fn=_in_child, start_new_session=True)
        if spoken:
            os.set_blocking(self.output.fileno(), False)
        self.ended_fd = os.pidfd_open(self._process.pid)
        self.may_end = False
        self._partial = b""

    @property
    def output(self):
        return self._process.stdout

    @property
    def code(self):
        """The exit code; None while it runs; minus the signal's number if one killed it."""
        return self._process.poll()

    def lines(self):
        """The whole lines it has printed since the last call."""
        while chunk := self.output.read():
            self._partial += chunk
        *whole, self._partial = self._partial.split(b"\n")
        return [line.decode(errors="replace") for line in whole]

    def tell(self, line):
        os.write(self._process.stdin.fileno(), line.encode() + b"\n")

    def ask_to_end(self):
        if self.code is None:
            self._process.terminate()

    def end(self):
        """Asks, then insists, and reaps; the exit code."""
        self.ask_to_end()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return self.code

    def close(self):
        os.close(self.ended_fd)
        for pipe in (self.output, self._process.stdin):
            if pipe is not None:
                pipe.close()

    def cpu_seconds(self):
        """Processor time so far, of all its threads (proc(5), stat, fields 14 and 15)."""
        try:
            with open(f"/proc/{self._process.pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def fate(self):
        if self.code is not None and self.code < 0:
            return f"{self.name} was killed by {signal.Signals(-self.code).name}"
        return f"{self.name} ended with exit code {self.code}"

    def last_words(self):
        try:
            with open(self._log, errors="replace") as file:
                words = file.read().splitlines()[-LOG_LINES:]
        except OSError:
            words = []
        return [f"    {self.name}: {line}" for line in words] or [f"    {self.name} said nothing"]


class Children:
    """All programs of the run, and the folder that they use. Leaving it ends them, the last one started first, and
    removes the folder. From its making on, signals are counted and take effect in wait() only."""

    def __init__(self):
        self._children = []
        self._selector = selectors.DefaultSelector()
        self._signals = 0
        self._wake, wake_end = socket.socketpair()
        for end in (self._wake, wake_end):
            end.setblocking(False)
        self._wake_end = wake_end
        self._selector.register(self._wake, selectors.EVENT_READ)
        signal.set_wakeup_fd(wake_end.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
                signal.signal(number, self._on_signal)
        self.directory = tempfile.mkdtemp(prefix="bw-")

    def _on_signal(self, *_):
        self._signals += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in reversed(self._children):
            child.end()
        for child in self._children:
            child.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        signal.set_wakeup_fd(-1)
        self._selector.close()
        self._wake.close()
        self._wake_end.close()

    def start(self, name, *command, spoken=False):
        try:
            child = Child(name, [str(word) for word in command], self.directory, spoken)
        except OSError as error:
            raise JobError(f"{name} cannot be started: {error}") from error
        self._children.append(child)
        self._selector.register(child.ended_fd, selectors.EVENT_READ, child)
        if spoken:
            self._selector.register(child.output, selectors.EVENT_READ)
        return child

    def wait(self, seconds):
        """Returns when something has happened or the time is over. Raises Interrupted once for each signal, JobError
        when a program has ended that should not."""
        for key, _ in self._selector.select(max(0.0, seconds)):
            if key.data is not None and key.data.code is not None:
                self._forget(key.data)
            elif key.fileobj is self._wake:
                self._wake.recv(4096)
        if self._signals:
            self._signals -= 1
            raise Interrupted
        if ended := self._ended():
            raise JobError(ended.fate())

    def wait_for(self, what, condition, seconds):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise JobError(f"waited {seconds} s in vain for {what}")
            self.wait(0.005)

    def _ended(self):
        return next((child for child in self._children if child.code is not None and not child.may_end), None)

    def first_to_end(self, seconds):
        """What became of a program that has ended and should not have, or does within that time; else nothing."""
        deadline = time.monotonic() + seconds
        while not (ended := self._ended()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return ended.fate() if ended else ""

    def _forget(self, child):
        self._selector.unregister(child.ended_fd)
        if child.output is not None:
            self._selector.unregister(child.output)

    def last_words(self):
        return "\n".join(line for child in self._children for line in child.last_words())
