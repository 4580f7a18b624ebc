"""What stands between the two guests: a gateway pair, or a plain Linux bridge as the control run of the lab itself.

Each captures what enters and what leaves on either side into a.rx, a.tx, b.rx and b.tx (.pcap), seen from the middle:
rx entered it.
"""
import contextlib
import json
import os
import secrets
import subprocess

from guests import LabError, die_with_parent, end, tail, wait_for

STRANDS = 4
STALL_MS = 20000  # a guest is emulated, on cores that the gateways and the other guest use as well
DELAYS_US = (0, 100, 300, 700)  # of the strands of sprayed gateways
HOLD_US = 100_000     # longer than a gateway may be off its core, and more than the delays differ by
SILENCE_US = 200_000  # of a path that lives: the same
STAMP_BYTES = 28


class Gateways:
    """guest a - vhost - gateway a - four vhost/virtio_user strands - gateway b - vhost - guest b"""

    def __init__(self, state, build, mtu):
        self.state = state
        self.daemon = os.path.join(build, "ctrl", "braidway")
        self.ctl_program = os.path.join(build, "ctrl", "braidwayctl")
        self.processes = {}
        for program in (self.daemon, self.ctl_program):
            if not os.access(program, os.X_OK):
                raise LabError(f"there is no {program}: run scripts/build")
        for name, other in (("a", "b"), ("b", "a")):
            with open(self._path(name, "yaml"), "w") as file:
                json.dump(self._config(name, other, mtu), file, indent=2)  # JSON is YAML

    def _path(self, *words):
        return os.path.join(self.state, ".".join(("gateway",) + words))

    def host_socket(self, name):
        return self._path(name, "host")

    def _config(self, name, other, mtu):
        identity = {"a": 1, "b": 2}
        device = {"a": "vhost", "b": "virtio_user"}[name]  # a creates the sockets of the strands, b connects
        cores = sorted(os.sched_getaffinity(0))
        ports = [{"name": "host0", "role": "host", "device": f"vhost:{self.host_socket(name)}", "mtu": mtu,
                  "stall_ms": STALL_MS}]
        ports += [{"name": f"fabric{i}", "role": "fabric", "device": f"{device}:{self._path(f'strand{i}')}",
                   "mtu": mtu, "stall_ms": STALL_MS} for i in range(STRANDS)]
        return {"gateway": {"name": f"lab-{name}", "id": identity[name]}, "mode": "wire", "idle": "sleep",
                "workers": [{"core": cores[0] if name == "a" else cores[1 % len(cores)]}],
                "ports": ports,
                "peers": [{"name": f"lab-{other}", "id": identity[other],
                           "paths": [{"port": f"fabric{i}"} for i in range(STRANDS)]}],
                "api": {"socket": self._path(name, "api")}}

    def start(self):
        for name in ("a", "b"):
            with open(self._path(name, "log"), "wb") as log:
                self.processes[name] = subprocess.Popen(
                    [self.daemon, "run", self._path(name, "yaml")], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    preexec_fn=die_with_parent)
            wait_for(lambda: self._answers(name), 20, f"gateway {name} to answer (see {self._path(name, 'log')})")

    def _answers(self, name):
        self.check(name)
        return os.path.exists(self.host_socket(name)) and os.path.exists(self._path(name, "api"))

    def check(self, name):
        process = self.processes[name]
        if process.poll() is not None:
            raise LabError(f"gateway {name} ended with code {process.returncode}:\n{tail(self._path(name, 'log'))}")

    def _ctl(self, name, *words):
        self.check(name)
        command = [self.ctl_program, "--socket", self._path(name, "api"), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise LabError(f"`{' '.join(command)}` failed ({done.returncode}): {done.stderr or done.stdout}")
        return done.stdout

    def drops(self):
        return {name: json.loads(self._ctl(name, "show", "drops", "-j")) for name in ("a", "b")}

    def start_captures(self):
        for name in ("a", "b"):
            for side in ("rx", "tx"):  # of the command before: a capture takes no file that exists
                with contextlib.suppress(FileNotFoundError):
                    os.remove(os.path.join(self.state, f"{name}.{side}.pcap"))
            self._ctl(name, "capture", "start", "host0", "--file", os.path.join(self.state, f"{name}.pcap"))

    def stop_captures(self, lossy=False):
        """`lossy`: not everything that entered will leave."""
        # A frame may be on its way still, in the ring of a guest that does not run: what has entered must have left, or
        # the captures end before it.
        looks = []
        def standing_still():
            looks.append(self._passed())
            return len(looks) > 1 and looks[-1] == looks[-2]
        with contextlib.suppress(LabError):
            if lossy:
                wait_for(standing_still, 20, "the gateways to have passed on what was not lost", every=0.5)
            else:
                wait_for(self._nothing_under_way, 20, "the gateways to have passed on what entered", every=0.1)
        for name in ("a", "b"):
            result = json.loads(self._ctl(name, "capture", "stop", "host0", "-j"))
            if result["missed"]:
                raise LabError(f"gateway {name} could not capture {result['missed']} frames: nothing can be compared")

    def _passed(self):
        """Frames that (entered, left) at the host ports."""
        entered = left = 0
        for name in ("a", "b"):
            host = next(port for port in json.loads(self._ctl(name, "show", "ports", "-j"))["ports"]
                        if port["role"] == "host")
            entered += host["rx_packets"]
            left += host["tx_packets"]
        return entered, left

    def _nothing_under_way(self):
        entered, left = self._passed()
        return entered == left + sum(sum(reasons.values()) for reasons in self.drops().values())

    def stop(self):
        """Ends both gateways as an operator would; they must end well and leave no socket."""
        problems = []
        for name in ("b", "a"):
            if name in self.processes:
                code = end(self.processes[name])
                if code != 0:
                    problems.append(f"gateway {name} ended with code {code}:\n{tail(self._path(name, 'log'))}")
        left = [entry.name for entry in os.scandir(self.state)
                if not entry.is_file() and entry.name.startswith("gateway.")]
        if self.processes and left:
            problems.append("the gateways left behind: " + ", ".join(sorted(left)))
        return problems


class SprayedGateways(Gateways):
    """The same with packets of one flow over all strands, which are braidway-wire's paths of different delays."""

    def __init__(self, state, build, mtu):
        self.wire_program = os.path.join(build, "bench", "wire", "braidway-wire")
        if not os.access(self.wire_program, os.X_OK):
            raise LabError(f"there is no {self.wire_program}: run scripts/build")
        self.wire_socket = os.path.join(state, "wire.control")
        with open(os.open(os.path.join(state, "pair.key"), os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(16))
        super().__init__(state, build, mtu)
        paths = [{"name": f"fabric{i}", "a": f"vhost:{self._strand(i, 'a')}", "b": f"vhost:{self._strand(i, 'b')}",
                  "both": {"delay_us": delay}, "frames": 512} for i, delay in enumerate(DELAYS_US)]
        with open(os.path.join(state, "wire.yaml"), "w") as file:
            json.dump({"paths": paths, "control": self.wire_socket, "idle": "sleep", "mtu": mtu + STAMP_BYTES, "descriptors": 256,
                       "stall_ms": STALL_MS}, file, indent=2)

    def _strand(self, number, side):
        return self._path(f"strand{number}{side}")

    def _config(self, name, other, mtu):
        config = super()._config(name, other, mtu)
        for i, port in enumerate(port for port in config["ports"] if port["role"] == "fabric"):
            port |= {"device": f"virtio_user:{self._strand(i, name)}", "mtu": mtu + STAMP_BYTES}
        config["policy"] = "spray"
        config["peers"][0] |= {"stamping": "int-md", "hold_us": HOLD_US,
                               "messages": {"key_file": os.path.join(self.state, "pair.key"),
                                            "heartbeat_us": SILENCE_US, "suspect_us": SILENCE_US,
                                            "patience_us": HOLD_US}}
        return config

    def start(self):
        log = os.path.join(self.state, "wire.log")
        with open(log, "wb") as out:
            self.processes["wire"] = subprocess.Popen(
                [self.wire_program, os.path.join(self.state, "wire.yaml")], stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, preexec_fn=die_with_parent)
        wait_for(lambda: os.path.exists(self.wire_socket), 20, f"the wire to answer (see {log})")
        super().start()
        wait_for(self.all_live, 20, "each gateway to hear that the other restores order, and all paths to be live")

    def all_live(self):
        return all(json.loads(self._ctl(name, "show", "peer", "-j"))["restores_order"] and
                   {path["state"] for path in self.paths(name)} == {"live"} for name in ("a", "b"))

    def paths(self, name):
        return json.loads(self._ctl(name, "show", "paths", "-j"))["paths"]

    def waited_for_core(self):
        """Seconds that the threads of a gateway have waited to run since they began, of the one that waited longest."""
        def waited(pid):
            return sum(int(open(f"{task.path}/schedstat").read().split()[1]) for task in os.scandir(f"/proc/{pid}/task"))
        return max(waited(self.processes[name].pid) for name in ("a", "b")) / 1e9

    def ask_wire(self, request):
        done = subprocess.run([self.wire_program, os.path.join(self.state, "wire.yaml"), "--ask", json.dumps(request)],
                              capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise LabError(f"the wire did not take {request}: {done.stderr or done.stdout}")
        return json.loads(done.stdout)

    def lost_by_cut(self, number):
        """Frames, both ways."""
        path = next(path for path in self.ask_wire({"show": True})["paths"] if path["name"] == f"fabric{number}")
        return sum(path[direction]["drops"]["cut"] for direction in ("a>b", "b>a"))

    def stop(self):
        problems = []
        if "wire" in self.processes and (code := end(self.processes["wire"])) != 0:
            problems.append(f"the wire ended with code {code}:\n{tail(os.path.join(self.state, 'wire.log'))}")
        return problems + super().stop()


class Bridge:
    """guest a - TAP - Linux bridge - TAP - guest b, in a network namespace of its own"""

    def __init__(self, state, mtu):
        self.state, self.mtu = state, mtu
        self.netns = f"braidway-lab-{os.getpid()}"
        self.taps = {"a": "lab-a", "b": "lab-b"}
        self.captures = []

    def _ip(self, *words, inside=True):
        command = ["ip", *(["-n", self.netns] if inside else []), *words]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise LabError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")

    def start(self):
        self._ip("netns", "add", self.netns, inside=False)
        subprocess.run(["ip", "netns", "exec", self.netns, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                        "net.ipv6.conf.default.disable_ipv6=1"], check=True)
        self._ip("link", "add", "lab-bridge", "type", "bridge", "stp_state", "0", "mcast_snooping", "0")
        for tap in self.taps.values():
            self._ip("tuntap", "add", "dev", tap, "mode", "tap")
            self._ip("link", "set", tap, "mtu", str(self.mtu), "master", "lab-bridge", "up")
        self._ip("link", "set", "lab-bridge", "mtu", str(self.mtu), "up")

    def drops(self):
        return {}

    def start_captures(self):
        for name, tap in self.taps.items():
            for direction, word in (("rx", "in"), ("tx", "out")):
                path = os.path.join(self.state, f"{name}.{direction}")
                with open(f"{path}.log", "wb") as log:
                    # Immediate mode: else what came in the last second is lost when tcpdump ends.
                    self.captures.append(subprocess.Popen(
                        ["ip", "netns", "exec", self.netns, "tcpdump", "-q", "-n", "-s", "0", "-B", "32768",
                         "--immediate-mode", "-U", "-Z", "root", "-Q", word, "-i", tap, "-w", f"{path}.pcap"],
                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent))
                wait_for(lambda: "listening on" in tail(f"{path}.log"), 10, f"tcpdump on {tap}")

    def stop_captures(self):
        # tcpdump has no "all read" signal; it has caught up when its files stop growing.
        sizes = []
        def settled():
            sizes.append([os.path.getsize(os.path.join(self.state, f"{name}.{way}.pcap"))
                          for name in self.taps for way in ("rx", "tx")])
            return len(sizes) > 1 and sizes[-1] == sizes[-2]
        wait_for(settled, 20, "tcpdump to catch up", every=0.3)
        for capture in self.captures:
            end(capture)
        self.captures = []

    def stop(self):
        for capture in self.captures:
            end(capture)
        subprocess.run(["ip", "netns", "del", self.netns], capture_output=True)
        return []
