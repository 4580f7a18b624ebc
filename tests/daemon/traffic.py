"""RoCEv2 frames, and interfaces to put them on and to take them from."""
import ipaddress
import selectors
import socket
import struct
import threading
import time

import roce
from decoding.bth import icrc
from decoding.octets import ones_sum

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
SO_SNDBUFFORCE = 32
MANY_BYTES = 64 << 20


def flows(count, version=4, first_qpn=0x100):
    """(source, destination, destination QP number), all different."""
    net = "10.0.0." if version == 4 else "fd00::"
    return [(f"{net}{1 + i % 7}", f"{net}{101 + i % 11}", first_qpn + i) for i in range(count)]


def frame(flow, psn, payload=b"", source_port=49152):
    """An RC SEND of the flow, with right checksums and ICRC."""
    source, destination = (ipaddress.ip_address(text) for text in flow[:2])
    bth = struct.pack("!BBHII", 4, 0, 0xFFFF, flow[2], psn)
    udp = struct.pack("!HHHH", source_port, roce.ROCEV2_PORT, 8 + 12 + len(payload) + 4, 0) + bth + payload + bytes(4)
    if source.version == 4:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0) + source.packed + destination.packed
        ip = ip[:10] + struct.pack("!H", ones_sum(ip) ^ 0xFFFF) + ip[12:]
        ethertype = 0x0800
    else:
        ip = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + source.packed + destination.packed
        ethertype = 0x86DD
    udp = udp[:-4] + struct.pack("<I", icrc(ip, udp[:-4]))
    return bytes.fromhex("020000000002020000000001") + struct.pack("!H", ethertype) + ip + udp


class Interface:
    """A kernel interface: send() puts frames on it, and what comes in by it is heard."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, MANY_BYTES)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, MANY_BYTES)
        self.socket.bind((name, ETH_P_ALL))

    def send(self, frames):
        for each in frames:
            self.socket.send(each)

    def close(self):
        self.socket.close()


def collect(interfaces, count, seconds=10.0):
    """{interface name: frames, in the order they came}; returns once `count` are there or the time is over."""
    got = {each.name: [] for each in interfaces}
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for each in interfaces:
            selector.register(each.socket, selectors.EVENT_READ, each)
        while sum(map(len, got.values())) < count and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                try:
                    data, address = key.fileobj.recvfrom(65535, socket.MSG_DONTWAIT)
                except OSError:
                    continue  # the link went down, or nothing is there
                if address[2] != PACKET_OUTGOING:
                    got[key.data.name].append(data)
    return got


class Stream:
    """Sends frames of some flows on an interface from a thread, until the block ends."""

    def __init__(self, interface, of):
        self.interface, self.of = interface, of
        self.sent = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        frames = [frame(flow, 0, bytes(64)) for flow in self.of]
        while not self.stop.is_set():
            try:
                self.interface.send(frames)
                self.sent += len(frames)
            except OSError:
                return  # the interface went with the gateway

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
