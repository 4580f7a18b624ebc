"""A lab guest: Debian's kernel with soft-RoCE and perftest under QEMU, driven over a virtio-serial port.

The guest's network device is a vhost-user front end (a DPDK net_vhost port listens on the socket) or a TAP.
Commands go to tests/lab/guest-init, which describes the line protocol.
"""
import ctypes
import os
import select
import shlex
import signal
import socket
import subprocess
import time


class LabError(Exception):
    """Something around the test did not work; the message says what and where to look."""


def die_with_parent():
    """For subprocess's preexec_fn: a lab that is killed takes its children along, and Ctrl-C reaches only the lab."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    os.setpgid(0, 0)


def end(process, patience=10):
    """Ends a process we started: asks, then insists. Returns its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def wait_for(condition, seconds, what, every=0.02):
    """Polls until condition() is true; LabError when it is not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds} s in vain for {what}")
        time.sleep(every)


def tail(path, lines=15):
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return ""


# Offloads are off so that what leaves the guest is what would be on a wire: real checksums, no segments larger than
# the MTU. The receive ring is as long as QEMU allows: with 256 entries a slow guest makes a vhost-user back end drop.
NET_PROPERTIES = ",".join(
    [f"{name}=off" for name in ("csum", "gso", "host_tso4", "host_tso6", "host_ufo", "host_ecn", "guest_csum",
                                "guest_tso4", "guest_tso6", "guest_ufo", "guest_ecn", "guest_announce")]
    + ["mrg_rxbuf=on", "rx_queue_size=1024"])


class Guest:
    def __init__(self, name, state, cache, mtu, address4, address6, mac, accelerator, socket_path=None, tap=None,
                 netns=None):
        self.name, self.state = name, state
        self.console = os.path.join(state, f"{name}.console")
        self.log = os.path.join(state, f"{name}.qemu.log")
        self.address4 = address4.split("/")[0]
        self._control_path = os.path.join(state, f"{name}.ctl")
        self._control, self._buffer, self._sequence = None, b"", 0
        command = ["nice", "-n", "5"]
        if tap:
            command = ["ip", "netns", "exec", netns] + command
            network = ["-machine", "q35", "-netdev", f"tap,id=n0,ifname={tap},script=no,downscript=no,vhost=off"]
            vectors = ""
        else:
            network = ["-object", "memory-backend-memfd,id=mem0,size=512M,share=on",
                       "-machine", "q35,memory-backend=mem0", "-chardev", f"socket,id=vu,path={socket_path}",
                       "-netdev", "vhost-user,id=n0,chardev=vu,queues=1"]
            # Debian 12's QEMU 7.2 crashes with vhost-user and MSI-X without KVM: use the INTx line.
            vectors = ",vectors=0,tx_queue_size=1024"
        kernel = ("console=ttyS0 quiet panic=-1 mitigations=off nokaslr audit=0 rdinit=/init net.ifnames=0 "
                  "random.trust_cpu=on cryptomgr.notests 8250.nr_uarts=1 "
                  f"lab_name={name} lab_mtu={mtu} lab_addr={address4},{address6}")
        command += ["qemu-system-x86_64", "-name", f"braidway-lab-{name}", *network, "-accel", accelerator,
                    "-cpu", "max,la57=off", "-smp", "1", "-m", "512", "-nodefaults", "-no-user-config",
                    "-display", "none", "-no-reboot", "-kernel", f"{cache}/vmlinux", "-initrd", f"{cache}/initrd",
                    "-append", kernel, "-chardev", f"file,id=con,path={self.console}", "-serial", "chardev:con",
                    "-device", "virtio-serial-pci",
                    "-chardev", f"socket,id=ctl,path={self._control_path},server=on,wait=off",
                    "-device", "virtserialport,chardev=ctl,name=lab",
                    "-device", f"virtio-net-pci,netdev=n0,mac={mac},romfile=,{NET_PROPERTIES}{vectors}"]
        with open(self.log, "wb") as log:
            log.write((shlex.join(command) + "\n").encode())
            log.flush()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=die_with_parent)
        try:
            self._connect()
        except BaseException:
            self.stop()
            raise

    def _connect(self):
        def connected():
            self._check_alive()
            client = socket.socket(socket.AF_UNIX)
            try:
                client.connect(self._control_path)
            except OSError:
                client.close()
                return False
            self._control = client
            return True
        wait_for(connected, 20, f"QEMU of guest {self.name} (see {self.log})")

    def _check_alive(self):
        if self.process.poll() is not None:
            raise LabError(f"guest {self.name} ended:\n{tail(self.log)}{tail(self.console)}")

    def _line(self, deadline):
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise LabError(f"guest {self.name} does not answer:\n{tail(self.console)}")
            if select.select([self._control], [], [], left)[0]:
                got = self._control.recv(65536)
                if not got:
                    self.process.wait(10)
                    self._check_alive()
                self._buffer += got
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")

    def wait_until_up(self, seconds=120):
        deadline = time.monotonic() + seconds
        while True:
            line = self._line(deadline)
            if line.startswith("@HELLO"):
                if "gid4=99" in line or "gid6=99" in line:
                    raise LabError(f"guest {self.name} has no soft-RoCE device: {line}\n{tail(self.console)}")
                return line[len("@HELLO "):]

    def start(self, command, seconds, port=0):
        """Starts a command in the guest; with a port, returns when something listens on it. Returns its id."""
        self._sequence += 1
        self._control.sendall(f"{self._sequence}\t{seconds}\t{port}\t{command}\n".encode())
        if port:
            deadline, output = time.monotonic() + seconds + 10, []
            while (line := self._line(deadline)) != f"@READY {self._sequence}":
                if line.startswith(f"={self._sequence} "):
                    output.append(line.split(" ", 1)[1])
                elif line.startswith(f"@END {self._sequence} "):
                    raise LabError(f"guest {self.name}: `{command}` ended early:\n" + "\n".join(output))
        return self._sequence

    def finish(self, number, seconds):
        """Waits for a command's end: (exit code, output); 124 is a command that took too long."""
        deadline, output = time.monotonic() + seconds + 10, []
        while True:
            line = self._line(deadline)
            if line.startswith(f"@END {number} "):
                return int(line.split()[-1]), "\n".join(output)
            if line.startswith(f"={number} "):
                output.append(line.split(" ", 1)[1])

    def run(self, command, seconds):
        return self.finish(self.start(command, seconds), seconds)

    def kill(self, number):
        self._control.sendall(f"{number}\t0\t0\t@KILL\n".encode())

    def stop(self):
        end(self.process)
        if self._control is not None:
            self._control.close()
