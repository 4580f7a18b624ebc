#!/usr/bin/env python3
"""braidwayctl and DPDK's telemetry: what they show is so, and what is asked wrongly is said.

control_test.py BRAIDWAY BRAIDWAYCTL
"""
import json
import os
import socket
import stat

from harness import Case, await_true, main, run, settings, taps
from traffic import Interface, collect, flows, frame
import roce

REFUSED, WRONG_USE = 1, 2
SHOWS = {"ports": "ports", "paths": "paths", "stats": "stages", "drops": "no_live_path", "config": "text"}


class Control(Case):
    def setUp(self):
        super().setUp()
        self.gateway = self.daemon(self.config())
        self.api = self.gateway.api()
        self.host = Interface("host0")
        self.addCleanup(self.host.close)
        self.fabric = [Interface(f"fabric{i}") for i in range(3)]
        for each in self.fabric:
            self.addCleanup(each.close)

    def config(self):
        return settings(taps())

    def ask(self, *arguments):
        code, out, errors = self.ctl(*arguments)
        self.assertEqual((code, errors), (0, ""))
        return out

    def ask_json(self, *arguments):
        return json.loads(self.ask(*arguments, "-j"))

    def refused(self, code, *arguments):
        """The one sentence on stderr."""
        got, out, errors = self.ctl(*arguments)
        self.assertEqual((got, out), (code, ""), errors)
        self.assertTrue(errors.strip())
        if code == REFUSED:
            self.assertEqual(len(errors.splitlines()), 1, errors)
        return errors


class Commands(Control):
    def test_every_show_as_table_and_as_json(self):
        self.host.send([frame(flow, 1) for flow in flows(100)])
        collect(self.fabric, 100)
        for what, key in SHOWS.items():
            with self.subTest(what):
                table = self.ask("show", what)
                self.assertGreater(len(table.splitlines()), 2)
                self.assertIn(key, self.ask_json("show", what))
        ports = {port["name"]: port for port in self.ask_json("show", "ports")["ports"]}
        self.assertEqual({(port["role"], port["link"]) for port in ports.values()},
                         {("host", "up"), ("fabric", "up")})
        self.assertEqual(ports["host0"]["rx_packets"], 100)
        self.assertEqual(sum(ports[f"fabric{i}"]["tx_packets"] for i in range(3)), 100)
        paths = self.ask_json("show", "paths")
        self.assertEqual(sum(path["slots"] for path in paths["paths"]), paths["slots"])
        self.assertEqual(sum(path["packets"] for path in paths["paths"]), 100)
        for path in paths["paths"]:
            self.assertEqual(path["packets"], ports[path["port"]]["tx_packets"])
            self.assertRegex(self.ask("show", "paths"), rf"{path['name']} .*live .*{path['slots']} .*{path['packets']}")
        source = {stage["stage"]: stage["packets"] for stage in self.ask_json("show", "stats")["stages"]
                  if stage["way"] == "source"}
        self.assertEqual(set(source.values()), {100})
        with open(self.gateway.file) as file:
            self.assertEqual(self.ask_json("show", "config")["text"].strip(), file.read().strip())

    def test_explain_is_where_the_packet_goes(self):
        for version in (4, 6):
            for flow in flows(12, version, first_qpn=0xFFFFF0):
                said = self.ask_json("explain", "--src", flow[0], "--dst", flow[1], "--qpn", str(flow[2]))
                self.assertIn(said["path"], said["why"])
                self.host.send([frame(flow, 3)])
                got = collect(self.fabric, 1)
                self.assertEqual({name: frames for name, frames in got.items() if frames},
                                 {said["port"]: [frame(flow, 3)]})
        same = [self.ask_json("explain", "--src", "fd00::1", "--dst", f"fd00:{zeros}::2", "--qpn", qpn)["slot"]
                for zeros, qpn in (("0", "255"), ("0:0", "0xff"))]
        self.assertEqual(same[0], same[1])

    def test_explain_says_where_a_flow_may_take_more_than_one_path(self):
        config = settings([{**port, "name": "x" + port["name"], "device": "tap:x" + port["name"]}
                           for port in taps(2)], name="moves", policy="idle-move")
        config["peers"][0]["rules"] = [{"destination": "10.7.0.0/16", "policy": "pinned"}]
        other = self.daemon(config)
        for to, policy, rule in (("10.0.0.2", "idle-move", None), ("10.7.0.2", "pinned", 1)):
            code, out, errors = self.ctl("explain", "--src", "10.0.0.1", "--dst", to, "--qpn", "1", "-j",
                                         socket=other.socket)
            self.assertEqual(code, 0, errors)
            said = json.loads(out)
            self.assertEqual([said["policy"], said["rule"]], [policy, rule])
            self.assertEqual("any of 2 live paths" in said["why"], rule is None)
            self.assertEqual("rule 1 fits" in said["why"], rule == 1)

    def test_weight_zero_drains_a_path_and_its_weight_brings_it_back(self):
        of = flows(200)
        before = {flow: self.api.path_of(flow) for flow in of}
        self.assertIn("weight 0", self.ask("set", "weight", "fabric1", "0"))
        self.assertEqual(self.api.paths()["fabric1"]["slots"], 0)
        self.assertEqual(self.api.paths()["fabric1"]["state"], "live")
        self.host.send([frame(flow, 1) for flow in of])
        got = collect(self.fabric, len(of))
        self.assertEqual([len(got["fabric1"]), sum(map(len, got.values()))], [0, len(of)])
        after = {flow: self.api.path_of(flow) for flow in of}
        self.assertEqual({flow for flow in of if after[flow] != before[flow]},
                         {flow for flow in of if before[flow] == "fabric1"})
        self.assertEqual(self.ask_json("set", "weight", "fabric1", "1")["weight"], 1)
        back = {flow: self.api.path_of(flow) for flow in of}
        self.assertEqual({to for flow, to in back.items() if to != after[flow]}, {"fabric1"}, "others moved, too")
        self.assertAlmostEqual(self.api.paths()["fabric1"]["slots"], 65537 / 3, delta=0.005 * 65537 / 3)
        for i in range(3):
            self.ask("set", "weight", f"fabric{i}", "0")
        self.host.send([frame(flow, 1) for flow in of])
        await_true("all are counted", lambda: self.api.drops() == {"no_live_path": len(of)})

    def test_shares_follow_the_weights(self):
        self.ask("set", "weight", "fabric0", "3")
        self.ask("set", "weight", "fabric1", "1")
        self.ask("set", "weight", "fabric2", "4")
        paths = self.ask_json("show", "paths")
        for path, share in (("fabric0", 3 / 8), ("fabric1", 1 / 8), ("fabric2", 4 / 8)):
            self.assertAlmostEqual(self.api.paths()[path]["slots"] / paths["slots"], share, delta=0.005 * share)

    def test_a_capture_holds_what_the_port_received_and_sent(self):
        stem = os.path.join(self.folder, "cut")
        before = [frame(flow, 1) for flow in flows(10)]
        inward, outward = [frame(flow, 2) for flow in flows(64)], [frame(flow, 3) for flow in flows(20)]
        self.host.send(before)
        collect(self.fabric, len(before))
        self.ask("capture", "start", "host0", "--file", stem + ".pcap")
        self.assertIn("runs already", self.refused(REFUSED, "capture", "start", "host0", "--file", stem + "2"))
        self.host.send(inward)
        collect(self.fabric, len(inward))
        self.fabric[0].send(outward)
        collect([self.host], len(outward))
        done = self.ask_json("capture", "stop", "host0")
        self.assertEqual({key: done[key] for key in ("received", "transmitted", "missed")},
                         {"received": len(inward), "transmitted": len(outward), "missed": 0})
        self.host.send(before)
        collect(self.fabric, len(before))
        self.assertEqual([each.data for each in roce.read_frames(stem + ".rx.pcap")], inward)
        self.assertEqual([each.data for each in roce.read_frames(stem + ".tx.pcap")], outward)
        self.assertIn("start one first", self.refused(REFUSED, "capture", "stop", "host0"))

    def test_it_ends_well_while_a_capture_runs(self):
        stem = os.path.join(self.folder, "cut")
        self.ask("capture", "start", "host0", "--file", stem)
        self.host.send([frame(flow, 2) for flow in flows(20)])
        collect(self.fabric, 20)
        self.assert_ends(self.gateway)
        self.assertEqual(len(roce.read_frames(stem + ".rx.pcap")), 20)

    def test_a_capture_that_cannot_be_written_is_refused_and_leaves_the_port_free(self):
        self.assertIn("/none/", self.refused(REFUSED, "capture", "start", "host0", "--file", "/none/x"))
        self.assertIn("absolute", self.refused(REFUSED, "capture", "start", "host0", "--file", "x"))
        self.ask("capture", "start", "host0", "--file", os.path.join(self.folder, "x"))
        self.ask("capture", "stop", "host0")

    def test_a_capture_overwrites_nothing(self):
        stem = os.path.join(self.folder, "x")
        with open(stem + ".tx.pcap", "w") as file:
            file.write("kept")
        self.assertIn(f"{stem}.tx.pcap exists already; remove it or name another",
                      self.refused(REFUSED, "capture", "start", "host0", "--file", stem))
        self.assertFalse(os.path.exists(stem + ".rx.pcap"))
        with open(stem + ".tx.pcap") as file:
            self.assertEqual(file.read(), "kept")

    def test_a_capture_that_filled_the_disk_is_said_and_leaves_the_port_free(self):
        disk = os.path.join(self.folder, "disk")
        os.mkdir(disk)
        run("mount", "-t", "tmpfs", "-o", "size=8k", "none", disk)
        self.addCleanup(run, "umount", disk)
        self.ask("capture", "start", "host0", "--file", os.path.join(disk, "x"))
        self.host.send([frame(flow, 1) for flow in flows(400)])
        collect(self.fabric, 400)
        said = self.refused(REFUSED, "capture", "stop", "host0")
        self.assertIn(f"{disk}/x.rx.pcap could not be written to its end", said)
        self.assertIn("is the disk full?", said)
        self.ask("capture", "start", "host0", "--file", os.path.join(self.folder, "x"))
        self.ask("capture", "stop", "host0")


class ReturnTraffic(Control):
    def config(self):
        config = super().config()
        config["peers"][0] |= {"policy": "idle-move", "return_traffic": "heed", "entropy": "source-port"}
        return config

    def test_what_hosts_answer_is_shown_by_path(self):
        self.host.send([frame(flow, 1) for flow in flows(60)])
        collect(self.fabric, 60)
        paths = self.ask_json("show", "paths")["paths"]
        self.assertEqual([path["returned"]["requests"] for path in paths], [path["packets"] for path in paths])
        self.assertEqual(sum(path["returned"]["requests"] for path in paths), 60)
        self.assertEqual({path["returned"]["rtt_ns"]["p50"] for path in paths}, {None}, "nothing came back")
        self.assertRegex(self.ask("show", "paths"), rf"answered by hosts .*\n.*{paths[0]['name']} +{paths[0]['packets']} ")


class WrongUse(Control):
    def test_wrong_arguments_are_said(self):
        flow = ["--src", "10.0.0.1", "--dst", "10.0.0.2"]
        for arguments, word in (
                (["explain", "--src", "10.0.0", "--dst", "10.0.0.2", "--qpn", "1"], "--src '10.0.0' is no IP address"),
                (["explain", "--src", "10.0.0.1", "--dst", "fd00::1", "--qpn", "1"], "different IP versions"),
                (["explain", *flow, "--qpn", "16777216"], "no queue pair number"),
                (["explain", *flow, "--qpn", "0x"], "no queue pair number"),
                (["explain", *flow, "--qpn", "-1"], "no queue pair number"),
                (["explain", *flow, "--qpn", "1e3"], "no queue pair number"),
                (["explain", *flow, "--qpn", ""], "no queue pair number"),
                (["set", "weight", "nopath", "1"], "no path 'nopath'"),
                (["set", "weight", "fabric0", "10001"], "no weight"),
                (["set", "weight", "fabric0", "4294967297"], "no weight"),
                (["set", "weight", "fabric0", "1.5"], "no weight"),
                (["capture", "start", "noport", "--file", "/x"], "no port 'noport'"),
                (["capture", "stop", "noport"], "no port 'noport'")):
            with self.subTest(arguments):
                self.assertIn(word, self.refused(REFUSED, *arguments))

    def test_wrong_commands_are_wrong_use(self):
        for arguments in ([], ["show"], ["show", "nothing"], ["fly"], ["explain"], ["explain", "--src", "10.0.0.1"],
                          ["set", "weight"], ["set", "weight", "fabric0"], ["show", "ports", "--fast"],
                          ["capture"], ["capture", "start", "host0"]):
            with self.subTest(arguments):
                self.refused(WRONG_USE, *arguments)

    def test_help_is_no_error(self):
        for arguments in (["--help"], ["show", "--help"], ["explain", "--help"]):
            self.ask(*arguments)

    def test_a_gateway_that_is_not_there(self):
        code, out, errors = self.ctl("show", "ports", socket=f"{self.folder}/none.sock")
        self.assertEqual((code, out, len(errors.splitlines())), (REFUSED, "", 1))
        self.assertIn("is it running", errors)

    def test_of_several_gateways_one_must_be_chosen(self):
        other = self.daemon(settings([{**port, "name": "x" + port["name"], "device": "tap:x" + port["name"]}
                                      for port in taps(1)], name="other"))
        errors = self.refused(REFUSED, "show", "ports")
        for word in ("--socket", self.gateway.socket, other.socket):
            self.assertIn(word, errors)
        code, out, _ = self.ctl("show", "ports", socket=other.socket)
        self.assertEqual((code, "xhost0" in out), (0, True))
        self.gateway.process.kill()
        self.gateway.process.wait()
        self.assertEqual(self.ctl("show", "ports", socket=other.socket)[0], 0)

    def test_the_socket_is_for_its_user_and_group_alone(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.gateway.socket).st_mode), 0o660)


class Telemetry(Control):
    """A client as dpdk-telemetry.py is: SOCK_SEQPACKET, a greeting, `command,parameters`."""

    def setUp(self):
        super().setUp()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(self.socket.close)
        self.socket.settimeout(10)
        self.socket.connect("/run/dpdk/braidway-gw/dpdk_telemetry.v2")
        self.greeting = json.loads(self.socket.recv(1024))

    def tell(self, command):
        self.socket.send(command.encode())
        answer = json.loads(self.socket.recv(self.greeting["max_output_len"]))
        return answer[command.split(",")[0]]

    def test_its_answers_are_the_gateways(self):
        self.assertEqual(self.greeting["pid"], self.gateway.process.pid)
        self.host.send([frame(flow, 1) for flow in flows(50)])
        collect(self.fabric, 50)
        commands = self.tell("/")
        for what in ("ports", "paths", "stats", "drops", "config", "explain"):
            self.assertIn(f"/braidway/{what}", commands)
        for what in ("weight", "start", "stop"):
            self.assertNotIn(f"/braidway/{what}", commands, "telemetry only shows")
        paths = self.tell("/braidway/paths")
        for key in ("state", "weight", "slots", "packets", "bytes"):
            self.assertEqual(dict(zip(paths["paths_name"], paths[f"paths_{key}"], strict=True)),
                             {name: path[key] for name, path in self.api.paths().items()})
        ports = self.tell("/braidway/ports")
        self.assertEqual(dict(zip(ports["ports_name"], ports["ports_role"], strict=True)),
                         {"host0": "host", "fabric0": "fabric", "fabric1": "fabric", "fabric2": "fabric"})
        self.assertEqual(self.tell("/braidway/drops"), self.api.get("show/drops"))
        stats = self.tell("/braidway/stats")
        self.assertEqual(dict(zip(zip(stats["stages_way"], stats["stages_stage"]), stats["stages_packets"], strict=True))
                         ["source", "receive"], 50)
        self.assertEqual(self.tell("/braidway/config")["file"], self.gateway.file)
        for flow in flows(5) + flows(5, version=6):
            self.assertEqual(self.tell(f"/braidway/explain,{flow[0]},{flow[1]},{flow[2]}")["path"],
                             self.api.path_of(flow))

    def test_wrong_parameters_are_said(self):
        for parameters in ("", ",10.0.0.1", ",a,b,c", ",10.0.0.1,10.0.0.2,99999999"):
            with self.subTest(parameters):
                self.assertIn("error", self.tell(f"/braidway/explain{parameters}"))
        self.assertIsNone(self.tell("/braidway/nothing"))
        self.api.get("show/ports")


if __name__ == "__main__":
    main()
