"""braidway-wire: the program that lies between two gateways in tests."""
import json
import os
import signal
import socket
import subprocess

from harness import PATIENCE, await_true, programs


class Wire:
    """The program on a configuration (a dict) in `folder`; the requests to it."""

    def __init__(self, folder, paths, **more):
        self.socket = os.path.join(folder, "wire.sock")
        self.log = os.path.join(folder, "wire.log")
        self.file = os.path.join(folder, "wire.yaml")
        with open(self.file, "w") as out:  # JSON is YAML
            json.dump({"paths": paths, "control": self.socket, "idle": "sleep", "hugepages": "off", "mtu": 1500,
                       "descriptors": 256, **more}, out)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([programs["wire"], self.file], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=log, text=True)
        await_true("the wire answers", self.answers)

    def answers(self):
        assert self.process.poll() is None, self.words()
        try:
            return self.show()
        except (FileNotFoundError, ConnectionRefusedError):
            return None

    def words(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def ask(self, line):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(self.socket)
            client.sendall(line.encode() + b"\n")
            with client.makefile() as answers:
                return json.loads(answers.readline())

    def show(self):
        answer = self.ask('{"show": true}')
        assert answer["ok"] is True, answer
        return answer

    def set(self, path="p", **changes):
        answer = self.ask(json.dumps({"set": {"path": path, **changes}}))
        assert answer == {"ok": True}, answer

    def path(self, name="p"):
        return next(path for path in self.show()["paths"] if path["name"] == name)

    def up(self):
        path = self.path()
        return path["a"] == path["b"] == "up"

    def direction(self, which="a>b"):
        return self.path()[which]

    def await_received(self, count, which="a>b"):
        return await_true(f"{count} frames have come", lambda: (now := self.direction(which))["received"] >= count
                          and now["held"] == 0 and now)

    def end(self, with_signal=signal.SIGTERM):
        """Its last words, as JSON."""
        self.process.send_signal(with_signal)
        out, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, (self.process.returncode, self.words())
        return json.loads(out)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
