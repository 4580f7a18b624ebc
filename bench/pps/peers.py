"""The programs that are measured: testpmd of DPDK, and braidway."""
import contextlib
import dataclasses
import json
import pathlib
import re
import shutil
import subprocess

import frames
from process import BenchError, Process

MODES = ("5tswap", "macswap", "io")


@dataclasses.dataclass(frozen=True)
class Setup:
    """What both peers get alike."""
    capture: str       # the frames
    qps: int
    core: int          # the forwarding core
    control_core: int  # everything else
    paths: int         # fabric ports of braidway
    burst: int         # of testpmd; braidway's is its own constant
    directory: pathlib.Path
    endless: bool = True  # the capture is played over and over; else once

    @property
    def cores(self):
        return self.core, self.control_core

    @property
    def mbufs(self):
        """One per frame of the capture, which net_pcap keeps for ever, and enough for bursts and caches."""
        return frames.frame_count(self.qps) + 16384

    @property
    def memory_mib(self):
        """Hugepages of one peer. A buffer takes 2176 octets of data, 128 of mbuf, up to 128 of private data and 64 of
        mempool header, and is spread over memory channels: 2.75 KiB are enough."""
        return 160 + self.mbufs * 2816 // (1 << 20)

    @property
    def receive_device(self):
        return f"net_pcap0,rx_pcap={self.capture},infinite_rx={int(self.endless)}"


class Testpmd(Process):
    """Debian's dpdk-testpmd, two ports, one forwarding core; changes its forwarding mode while it runs."""

    def __init__(self, setup):
        program = shutil.which("dpdk-testpmd")
        if program is None:
            raise BenchError("dpdk-testpmd is not installed: run scripts/setup")
        # stdbuf: replies must reach the log line by line, it says when a mode has begun.
        command = ["stdbuf", "-oL", program, "-l", f"{setup.control_core},{setup.core}",
                   "--main-lcore", setup.control_core, "--in-memory", "--no-pci",
                   "--file-prefix", "testpmd", "-m", setup.memory_mib,
                   "--log-level", "lib.eal:debug",
                   "--vdev", setup.receive_device, "--vdev", "net_null0,no-rx=1",
                   "--", "--interactive", "--nb-cores=1", f"--burst={setup.burst}",
                   f"--total-num-mbufs={setup.mbufs}", "--no-mlockall"]
        super().__init__("testpmd", command, setup.cores, setup.directory)
        self._mode = None

    def forward(self, mode):
        """Forwards in that mode when this returns."""
        if mode == self._mode:
            return
        started = f"{mode} packet forwarding"
        before = self.log().count(started)
        if self._mode is not None:
            self.type("stop")
        self.type(f"set fwd {mode}")
        self.type("start")
        self.wait_for(f"begun to forward as {mode}", lambda: self.log().count(started) > before)
        self._mode = mode
        self.wait_forwarding()

    def _ask_to_end(self, process):
        # Not by SIGTERM: where a thread other than the main one takes it, testpmd goes on reading its prompt.
        with contextlib.suppress(BrokenPipeError):
            self.type("quit")

    def tsc_hz(self):
        """The time-stamp counter's frequency as EAL found it."""
        found = re.search(r"TSC frequency is ~(\d+) KHz", self.log())
        if found is None:
            raise BenchError("testpmd's log does not say the TSC frequency")
        return int(found.group(1)) * 1000


class Braidway(Process):
    """The gateway: a host port that receives the frames, and fabric ports that swallow them, one path each."""

    def __init__(self, setup, build, default_memory=False):
        build = pathlib.Path(build)
        self._ctl = build / "ctrl" / "braidwayctl"
        self.socket_path = setup.directory / "braidway.sock"  # of the API
        program = build / "ctrl" / "braidway"
        for needed in (program, self._ctl):
            if not needed.exists():
                raise BenchError(f"{needed} is not built: run scripts/build")
        config = setup.directory / "braidway.yaml"
        config.write_text(json.dumps(self._config(setup, default_memory), indent=2))  # JSON is YAML
        super().__init__("braidway", [program, "run", config], setup.cores, setup.directory)

    def _config(self, setup, default_memory):
        fabric = [f"fabric{i}" for i in range(setup.paths)]
        ports = [{"name": "host0", "role": "host", "device": setup.receive_device}]
        ports += [{"name": name, "role": "fabric", "device": f"net_null{i},no-rx=1"} for i, name in enumerate(fabric)]
        config = {
            "gateway": {"name": "bench", "id": 1},
            "mode": "wire",
            "policy": "pinned",
            "idle": "poll",
            "workers": [{"core": setup.core}],
            "control_cores": [setup.control_core],
            "ports": ports,
            "peers": [{"name": "far", "id": 2, "paths": [{"port": name} for name in fabric]}],
            "api": {"socket": str(self.socket_path)},
        }
        if not default_memory:
            config["memory"] = {"hugepages": "require", "limit_mib": setup.memory_mib, "mbufs": setup.mbufs}
        return config

    def show(self, what):
        """What `braidwayctl show` answers."""
        answer = subprocess.run([self._ctl, "--socket", self.socket_path, "show", what, "-j"],
                                capture_output=True, text=True, timeout=10, check=False)
        if answer.returncode != 0:
            raise BenchError(f"braidwayctl show {what}: {answer.stderr.strip()}")
        return json.loads(answer.stdout)

    def stages(self):
        """What each stage of the source's way was timed for since start: {stage: (packets, cycles)}. Only one turn in
        some is timed, so these packets are fewer than those that passed."""
        return {stage["stage"]: (stage["timed_packets"], stage["cycles"]) for stage in self.show("stats")["stages"]
                if stage["way"] == "source"}

    def dropped(self):
        """Packets dropped since start, whatever the reason."""
        return sum(self.show("drops").values())
