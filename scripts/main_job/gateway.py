"""One of the two gateways: its configuration, its process, its API."""
import collections
import http.client
import json
import os
import secrets
import socket
import urllib.parse

PATHS = 4
RING = 1024  # descriptors of every queue
MTU = 1500
STAMP_BYTES = 28
SILENCE_US = 100_000  # of a path: longer than that, too
RATE_MBPS = 1_000  # about what a path carries here; the drivers of such ports say any, or none
HOLD_US = 50_000  # longer than a worker may be off the core that it shares, between sending to one port and another
KEY = secrets.token_hex(16)  # of both
Sides = collections.namedtuple("Sides", "identity far fabric core")
# The virtio_user ports of b connect to the vhost sockets that a has made: a comes first.
SIDES = {"a": Sides(1, "b", "vhost", 0), "b": Sides(2, "a", "virtio_user", 1)}


class _Api(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Gateway:
    def __init__(self, side, directory, hugepages, policy):
        self.side = side
        self._stamps = policy in ("auto", "spray")
        self._directory = directory
        self.config = self._path(f"{side}.yaml")
        with open(self.config, "w") as file:
            json.dump(self._document(hugepages, policy), file, indent=2)  # JSON is YAML

    def _path(self, name):
        return os.path.join(self._directory, name)

    @property
    def host_socket(self):
        return self._path(f"{self.side}-host.sock")

    def _document(self, hugepages, policy):
        identity, far, fabric, core = SIDES[self.side]
        allowed = sorted(os.sched_getaffinity(0))
        worker = allowed[core % len(allowed)]
        others = [each for each in allowed if each != worker]
        ports = [{"name": "host0", "role": "host", "device": f"vhost:{self.host_socket}", "descriptors": RING}]
        ports += [{"name": f"fabric{i}", "role": "fabric", "device": f"{fabric}:{self._path(f'fabric{i}.sock')}",
                   "descriptors": RING} for i in range(PATHS)]
        if self._stamps:
            for port in ports[1:]:
                port["mtu"] = MTU + STAMP_BYTES
            with open(os.open(self._path("pair.key"), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
                file.write(KEY)
        document = {"gateway": {"name": f"run-{os.getpid()}-{self.side}", "id": identity},
                    "mode": "wire", "policy": policy, "idle": "sleep", "workers": [{"core": worker}],
                    "ports": ports,
                    "peers": [{"name": f"run-{os.getpid()}-{far}", "id": SIDES[far].identity,
                               "stamping": "int-md" if self._stamps else "none", "hold_us": HOLD_US,
                               "paths": [{"port": f"fabric{i}", "rate_mbps": RATE_MBPS} for i in range(PATHS)]}],
                    "memory": {"hugepages": "automatic" if hugepages else "off"},
                    "api": {"socket": self._path(f"{self.side}-api.sock")}}
        if self._stamps:
            document["peers"][0]["messages"] = {"key_file": self._path("pair.key"), "heartbeat_us": SILENCE_US,
                                                "suspect_us": SILENCE_US, "patience_us": HOLD_US}
            document["forecast"] = {"weights": "bias"}
        if others:
            document["control_cores"] = others
        return document

    def show(self, what):
        """What `braidwayctl show` answers with -j. OSError while the gateway is not there."""
        return self._ask("GET", f"show/{what}")

    def change(self, what, **arguments):
        return self._ask("POST", what, urllib.parse.urlencode(arguments))

    def _ask(self, method, what, form=None):
        connection = _Api(self._path(f"{self.side}-api.sock"))
        try:
            connection.request(method, f"/v1/{what}", form, {"Content-Type": "application/x-www-form-urlencoded"} if form else {})
            answer = connection.getresponse()
            text = answer.read().decode()
        except http.client.HTTPException as error:
            raise OSError(f"the API of gateway {self.side} broke off: {error!r}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise OSError(f"the API of gateway {self.side} refused `{what.replace('/', ' ')}`: {text.strip()}")
        return json.loads(text)

    def forecast(self):
        """What its forecast has done; nothing if it makes none."""
        return self.show("model") if self._stamps else None

    def answers(self):
        try:
            self.show("stats")
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def paths(self):
        return self.show("paths")["paths"]

    def all_paths_live(self):
        return all(path["state"] == "live" for path in self.paths())

    def host_up(self):
        return all(port["link"] == "up" for port in self.show("ports")["ports"] if port["role"] == "host")
