"""What the tests of the running daemon share: a world of their own, configurations, the daemon, the questions to it.

    harness.main(__file__) enters new network, mount, process and /run namespaces before the tests run, so that nothing
    they make outlives them or meets anything of the machine's. Exit code 77 (skipped) where namespaces are not allowed.

Nothing here sleeps for luck: await_true() asks again until something has happened or the deadline has passed.
"""
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
import roce  # noqa: E402  the captures and frames of the wire tests

INSIDE = "BRAIDWAY_DAEMON_TEST_INSIDE"
NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
SKIPPED = 77
PATIENCE = 20  # seconds; generous, for machines with other work: nothing waits this long when all is well

programs = {}


def main(names=("braidway", "braidwayctl")):
    """Arguments: a program for each of the names, and then unittest's own."""
    if INSIDE not in os.environ:
        if subprocess.run(NAMESPACES + ["true"], capture_output=True).returncode:
            print("skipped: no permission to make network, mount and process namespaces")
            sys.exit(SKIPPED)
        os.environ[INSIDE] = "1"
        os.execvp(NAMESPACES[0], NAMESPACES + [sys.executable] + sys.argv)
    run("mount", "-t", "tmpfs", "none", "/run")
    # The kernel's own neighbour discovery would mix with the tests' frames.
    with open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w") as file:
        file.write("1")
    run("ip", "link", "set", "lo", "up")
    own = 1 + len(names)
    programs.update(zip(names, map(os.path.abspath, sys.argv[1:own])))
    unittest.main(module="__main__", argv=sys.argv[:1] + sys.argv[own:], verbosity=2, warnings="ignore")


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


def await_true(what, condition, seconds=PATIENCE):
    """Returns the condition's first true value; fails with `what` if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.002)


def tap(name, role, **more):
    return {"name": name, "role": role, "device": f"tap:{name}", "descriptors": 256, **more}


def settings(ports, name="gw", workers=1, **more):
    """A configuration as a dict: small, without hugepages, asleep when idle."""
    fabric = [port["name"] for port in ports if port["role"] == "fabric"]
    return {"gateway": {"name": name, "id": 1}, "mode": "wire", "idle": "sleep",
            "workers": [{"core": core} for core in sorted(os.sched_getaffinity(0))[:workers]],
            "ports": ports,
            "peers": [{"name": "far", "id": 2, "paths": [{"port": port} for port in fabric]}],
            "memory": {"hugepages": "off", "limit_mib": 256}, **more}


def taps(fabric=3, **more):
    return [tap("host0", "host", **more)] + [tap(f"fabric{i}", "fabric", **more) for i in range(fabric)]


class Api(http.client.HTTPConnection):
    """Questions to a gateway's socket, a connection each, as braidwayctl makes them."""

    def __init__(self, path, timeout=PATIENCE):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method, route, **arguments):
        """(status, JSON)"""
        form = urllib.parse.urlencode(arguments)
        if method == "GET":
            self.request(method, f"/v1/{route}" + (f"?{form}" if form else ""))
        else:
            self.request(method, f"/v1/{route}", form, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = self.getresponse()
        text = answer.read()
        self.close()  # the gateway would close an idle one, at a moment of its own
        return answer.status, json.loads(text)

    def get(self, route, **arguments):
        status, answer = self.ask("GET", route, **arguments)
        assert status == 200, (status, answer)
        return answer

    def post(self, route, **arguments):
        status, answer = self.ask("POST", route, **arguments)
        assert status == 200, (status, answer)
        return answer

    def paths(self):
        return {path["name"]: path for path in self.get("show/paths")["paths"]}

    def drops(self):
        return {reason: count for reason, count in self.get("show/drops").items() if count}

    def path_of(self, flow):
        return self.get("explain", src=flow[0], dst=flow[1], qpn=flow[2])["path"]


class Daemon:
    """`braidway run` of a configuration (a dict) in `folder`; wait() for its API."""

    def __init__(self, folder, config, prefix=()):
        name = config["gateway"]["name"]
        self.file = write_config(folder, config)
        self.socket = config.get("api", {}).get("socket", f"/run/braidway/{name}.sock")
        self.log_file = f"{self.file}.log"
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen([*prefix, programs["braidway"], "run", self.file], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def __enter__(self):
        return self.wait()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def log(self):
        with open(self.log_file, errors="replace") as file:
            return file.read()

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"braidway ended with {self.process.returncode}:\n{self.log()}")
        try:
            return Api(self.socket, timeout=2).get("show/stats")
        except OSError:
            return None

    def wait(self):
        await_true("the daemon answers", self.answers)
        return self

    def api(self):
        return Api(self.socket)

    def end(self, with_signal=signal.SIGTERM):
        """(exit code, seconds it took)"""
        began = time.monotonic()
        self.process.send_signal(with_signal)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still there {PATIENCE} s after a signal:\n{self.log()}") from None
        return code, time.monotonic() - began


def write_config(folder, config):
    file = os.path.join(folder, config["gateway"]["name"] + ".yaml")
    with open(file, "w") as out:
        json.dump(config, out, indent=1)  # JSON is YAML
    return file


def links():
    return {link["ifname"] for link in json.loads(
        subprocess.run(["ip", "-j", "link", "show"], check=True, capture_output=True).stdout)}


def processes():
    """Everything alive in this world but the test itself."""
    found = set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                text = file.read()
        except OSError:
            continue
        if text.rsplit(")", 1)[1].split()[0] != "Z":
            found.add(text.split("(", 1)[1].rsplit(")", 1)[0])
    return found


def files_in(folder):
    return {os.path.join(at, name) for at, folders, names in os.walk(folder)
            for name in names + [each for each in folders if at.endswith("/dpdk")]}


class Case(unittest.TestCase):
    """A test with a folder of its own, after which nothing may be left: links, files in /run, processes."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bw-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.before = self.world()

    def world(self):
        return links() | processes() | files_in("/run")

    def assert_nothing_left(self):
        self.assertEqual(sorted(self.world() - self.before), [])
        sockets = [name for name in files_in(self.folder) if stat.S_ISSOCK(os.lstat(name).st_mode)]
        self.assertEqual(sockets, [])

    def daemon(self, config):
        daemon = Daemon(self.folder, config)
        self.addCleanup(daemon.__exit__)
        return daemon.wait()

    def assert_ends(self, daemon, with_signal=signal.SIGTERM, within=3.0):
        code, seconds = daemon.end(with_signal)
        self.assertEqual(code, 0, daemon.log())
        self.assertLess(seconds, within)
        self.assert_nothing_left()

    def ctl(self, *arguments, socket=None):
        """braidwayctl's (exit code, stdout, stderr)"""
        done = subprocess.run([programs["braidwayctl"], *(["--socket", socket] if socket else []), *arguments],
                              capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr
