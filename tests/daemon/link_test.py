#!/usr/bin/env python3
"""A path whose link goes down is out at once, its flows move and no others; they return with the link.

link_test.py BRAIDWAY BRAIDWAYCTL
"""
import fcntl
import os
import signal
import socket
import struct
import time

from harness import Case, await_true, links, main, run, settings, tap
from traffic import Interface, collect, flows, frame

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
AT_ONCE = 0.5  # seconds; milliseconds on a machine of its own, and this one may have much else to do


def set_link(name, up):
    """By ioctl: starting a program would be most of the time that is measured."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH14x", name.encode(), 0))
        flags = struct.unpack_from("H", request, 16)[0]
        flags = flags | IFF_UP if up else flags & ~IFF_UP
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), flags))


class LinkCase(Case):
    def setUp(self):
        super().setUp()
        self.flows = flows(150) + flows(50, version=6)

    def interface(self, name):
        made = Interface(name)
        self.addCleanup(made.close)
        return made

    def mapping(self, api):
        return {flow: api.path_of(flow) for flow in self.flows}

    def timed(self, what, act, api, path, state):
        """Acts, waits until `show paths` says so, prints how long that took."""
        began = time.monotonic()
        act()
        await_true(f"{path} is {state}", lambda: api.paths()[path]["state"] == state)
        took = time.monotonic() - began
        print(f"{what}: {path} {state} after {took * 1000:.1f} ms")
        return took

    def assert_moved(self, before, after, path):
        """What was on the path is elsewhere, and nothing else has moved."""
        self.assertIn(path, before.values())
        self.assertNotIn(path, after.values())
        self.assertEqual({flow: to for flow, to in after.items() if to != before[flow]},
                         {flow: after[flow] for flow, at in before.items() if at == path})

    def assert_carried(self, host, fabric, mapping):
        """One frame of each flow leaves by the path that `explain` says, and by no other."""
        host.send([frame(flow, 1) for flow in self.flows])
        got = collect(list(fabric.values()), len(self.flows))
        at = {each.name: path for path, each in fabric.items()}
        self.assertEqual({data: at[name] for name, frames in got.items() for data in frames},
                         {frame(flow, 1): path for flow, path in mapping.items()})


class KernelLink(LinkCase):
    """Three fabric ports on veths, through af_packet."""

    def setUp(self):
        super().setUp()
        ports = [tap("host0", "host")]
        for i in range(3):
            run("ip", "link", "add", f"near{i}", "type", "veth", "peer", "name", f"far{i}")
            self.addCleanup(lambda name=f"near{i}": name in links() and run("ip", "link", "del", name))
            set_link(f"near{i}", True)
            set_link(f"far{i}", True)
            ports.append({"name": f"fabric{i}", "role": "fabric", "device": f"af_packet:near{i}", "descriptors": 256})
        self.before = self.world()
        self.gateway = self.daemon(settings(ports))
        self.api = self.gateway.api()
        self.host = self.interface("host0")
        self.fabric = {f"fabric{i}": self.interface(f"far{i}") for i in range(3)}

    def test_a_link_that_goes_down_and_comes_back(self):
        before = self.mapping(self.api)
        self.assert_carried(self.host, self.fabric, before)
        took = self.timed("link down", lambda: set_link("far1", False), self.api, "fabric1", "dead")
        self.assertLess(took, AT_ONCE)
        path = self.api.paths()["fabric1"]
        self.assertEqual(path["slots"], 0)
        after = self.mapping(self.api)
        self.assert_moved(before, after, "fabric1")
        self.assert_carried(self.host, self.fabric, after)
        self.assertEqual(self.api.paths()["fabric1"]["packets"], path["packets"])
        took = self.timed("link up", lambda: set_link("far1", True), self.api, "fabric1", "live")
        self.assertLess(took, AT_ONCE)
        self.assertEqual(self.mapping(self.api), before)
        self.assert_carried(self.host, self.fabric, before)
        self.assertEqual(self.api.drops(), {})
        self.assert_ends(self.gateway)

    def test_without_a_live_path_packets_are_dropped_under_that_name(self):
        for i in range(3):
            self.timed("link down", lambda name=f"far{i}": set_link(name, False), self.api, f"fabric{i}", "dead")
        self.assertIsNone(self.api.path_of(self.flows[0]))
        code, out, _ = self.ctl("explain", "--src", "10.0.0.1", "--dst", "10.0.0.2", "--qpn", "5")
        self.assertEqual((code, "no_live_path" in out), (0, True))
        self.host.send([frame(flow, 1) for flow in self.flows])
        await_true("all are counted", lambda: self.api.drops().get("no_live_path") == len(self.flows))
        self.assertEqual(self.api.drops(), {"no_live_path": len(self.flows)})
        for i in range(3):
            self.timed("link up", lambda name=f"far{i}": set_link(name, True), self.api, f"fabric{i}", "live")
        self.assert_carried(self.host, self.fabric, self.mapping(self.api))
        self.assert_ends(self.gateway)

    def test_a_link_that_flaps(self):
        before = self.mapping(self.api)
        for _ in range(100):
            set_link("far2", False)
            set_link("far2", True)
        await_true("fabric2 is live", lambda: self.api.paths()["fabric2"]["state"] == "live" and
                   self.mapping(self.api) == before)
        self.assert_carried(self.host, self.fabric, before)
        self.assert_ends(self.gateway)

    def test_an_interface_that_is_deleted(self):
        before = self.mapping(self.api)
        self.timed("interface deleted", lambda: run("ip", "link", "del", "near0"), self.api, "fabric0", "dead")
        await_true("the log says so", lambda: "fabric0" in self.gateway.log() and "gone" in self.gateway.log())
        after = self.mapping(self.api)
        self.assert_moved(before, after, "fabric0")
        del self.fabric["fabric0"]
        self.assert_carried(self.host, self.fabric, after)
        run("ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0")
        set_link("near0", True)
        set_link("far0", True)
        self.assert_carried(self.host, self.fabric, after)
        self.before |= {"near0", "far0"}
        self.assert_ends(self.gateway)


class VhostLink(LinkCase):
    """Two fabric ports on vhost sockets; the far end of each is a gateway of its own, which may die."""

    def far(self, i):
        config = settings([tap(f"exit{i}", "host"),
                           {"name": "fabric0", "role": "fabric", "device": f"virtio_user:{self.folder}/s{i}",
                            "descriptors": 256}], name=f"far{i}")
        return self.daemon(config)

    def test_a_far_end_that_dies_and_comes_back(self):
        ports = [tap("host0", "host")] + [{"name": f"fabric{i}", "role": "fabric",
                                           "device": f"vhost:{self.folder}/s{i}", "descriptors": 256}
                                          for i in range(2)]
        gateway = self.daemon(settings(ports))
        api = gateway.api()
        self.assertEqual({path["state"] for path in api.paths().values()}, {"dead"}, "nobody is connected yet")
        far = []
        for i in range(2):
            self.timed("far end starts", lambda i=i: far.append(self.far(i)), api, f"fabric{i}", "live")
        host, fabric = self.interface("host0"), {f"fabric{i}": self.interface(f"exit{i}") for i in range(2)}
        before = self.mapping(api)
        self.assert_carried(host, fabric, before)

        far[1].process.kill()
        took = self.timed("far end killed", lambda: None, api, "fabric1", "dead")
        self.assertLess(took, AT_ONCE)
        self.assertEqual(api.paths()["fabric1"]["slots"], 0)
        after = self.mapping(api)
        self.assert_moved(before, after, "fabric1")
        self.assert_carried(host, {"fabric0": fabric["fabric0"]}, after)

        far[1].process.wait()
        await_true("its TAP has gone with it", lambda: "exit1" not in links())
        self.timed("far end starts again", lambda: far.append(self.far(1)), api, "fabric1", "live")
        self.assertEqual(self.mapping(api), before)
        fabric["fabric1"] = self.interface("exit1")
        self.assert_carried(host, fabric, before)

        for each in (far[0], far[2], gateway):
            self.assertEqual(each.end(signal.SIGTERM)[0], 0, each.log())
        self.assert_nothing_left()


if __name__ == "__main__":
    main()
