#!/usr/bin/env python3
"""What cannot start says in one sentence why and what to do, ends with the right exit code, and leaves nothing.

refusal_test.py BRAIDWAY BRAIDWAYCTL
"""
import os
import shutil
import socket
import subprocess
import unittest

from harness import Case, main, programs, roce, run, settings, tap, taps, write_config

COULD_NOT_START, BAD_CONFIGURATION = 1, 2


def host(device, **more):
    return {"name": "host0", "role": "host", "device": device, "descriptors": 256, **more}


def listening(path):
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen()
    return server


class Base(Case):
    def run_to_its_end(self, *arguments, prefix=()):
        return subprocess.run([*prefix, programs["braidway"], *arguments], capture_output=True, text=True, timeout=20)


class Refusal(Base):
    def refused(self, config, *words, code=COULD_NOT_START, prefix=()):
        """Runs it; the last line must be the only one of ours and hold all `words`; nothing may be left."""
        before = self.world()
        done = self.run_to_its_end("run", write_config(self.folder, config), prefix=prefix)
        self.assertEqual(done.returncode, code, done.stderr)
        lines = done.stderr.strip().splitlines()
        ours = [line for line in lines if " error " in line and f" {config['gateway']['name']}: " in line]
        self.assertEqual(ours, lines[-1:], done.stderr)
        for word in words:
            self.assertIn(word, lines[-1])
        self.assertEqual(sorted(self.world() - before), [], "left behind")
        return lines[-1]

    def host_refused(self, device, *words, **more):
        return self.refused(settings([host(device, **more), tap("fabric0", "fabric")]),
                            "gw.yaml:", "port 'host0': ", *words)

    def test_a_core_that_does_not_exist(self):
        self.refused(settings(taps(1), workers=1) | {"workers": [{"core": 999}]}, "core 999 does not exist",
                     "choose among")

    def test_a_core_that_this_process_may_not_use(self):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            self.skipTest("one core")
        self.refused(settings(taps(1)) | {"workers": [{"core": cores[1]}]}, f"core {cores[1]}", "choose among",
                     prefix=["taskset", "-c", str(cores[0])])

    def test_a_vhost_socket_of_a_running_process(self):
        path = os.path.join(self.folder, "s.sock")
        with listening(path):
            self.host_refused(f"vhost:{path}", path, "running process", "choose another")
            self.assertTrue(os.path.exists(path), "somebody else's socket is gone")

    def test_a_vhost_socket_whose_folder_is_missing(self):
        self.host_refused(f"vhost:{self.folder}/none/s.sock", "folder", "create it")

    def test_a_vhost_socket_where_a_file_is(self):
        path = os.path.join(self.folder, "precious")
        with open(path, "w") as file:
            file.write("kept")
        self.host_refused(f"vhost:{path}", "no socket", "choose another")
        with open(path) as file:
            self.assertEqual(file.read(), "kept")

    def test_a_vhost_socket_of_a_killed_process_is_replaced(self):
        path = os.path.join(self.folder, "s.sock")
        listening(path).close()
        daemon = self.daemon(settings([host(f"vhost:{path}"), tap("fabric0", "fabric")]))
        self.assert_ends(daemon)

    def test_an_api_socket_of_a_running_process(self):
        path = os.path.join(self.folder, "api.sock")
        with listening(path):
            self.refused(settings(taps(1), api={"socket": path}), path, "running process", "choose another")
            self.assertTrue(os.path.exists(path), "somebody else's socket is gone")

    def test_an_api_socket_where_a_file_is(self):
        path = os.path.join(self.folder, "precious")
        open(path, "w").close()
        self.refused(settings(taps(1), api={"socket": path}), path, "no socket")
        self.assertTrue(os.path.isfile(path))

    def test_an_api_socket_in_a_folder_that_cannot_be_made(self):
        self.refused(settings(taps(1), api={"socket": "/proc/none/api.sock"}), "/proc/none", "create it")

    def test_an_api_socket_in_a_folder_that_takes_none(self):
        self.refused(settings(taps(1), api={"socket": "/proc/api.sock"}), "/proc/api.sock", "api.socket")

    def test_an_api_folder_that_the_user_may_not_write(self):
        os.mkdir(f"{self.folder}/shut", 0o755)
        ports = [host("net_null0"), {"name": "fabric0", "role": "fabric", "device": "net_null1"}]
        self.refused(settings(ports, api={"socket": f"{self.folder}/shut/api.sock"}), "/shut/api.sock", "api.socket",
                     prefix=self.nobody())

    def test_a_tap_name_that_is_taken(self):
        run("ip", "tuntap", "add", "host0", "mode", "tap")
        self.addCleanup(run, "ip", "link", "del", "host0")
        self.host_refused("tap:host0", "exists already", "choose another")

    def test_an_interface_that_does_not_exist(self):
        for device in ("af_packet:nothere", "af_xdp:nothere"):
            with self.subTest(device):
                self.host_refused(device, "nothere", "interface")

    def test_a_vhost_server_that_does_not_exist(self):
        self.host_refused(f"virtio_user:{self.folder}/none.sock", "vhost-user server must already listen")

    def test_a_capture_that_does_not_exist(self):
        self.host_refused(f"pcap:{self.folder}/none.pcap", "none.pcap", "readable capture")

    def test_a_pci_device_that_does_not_exist(self):
        self.refused(settings([host("0000:ff:1f.7"), tap("fabric0", "fabric")])
                     | {"memory": {"hugepages": "automatic", "limit_mib": 128}}, "; ")

    def test_a_pci_device_without_hugepages(self):
        self.refused(settings([host("0000:ff:1f.7"), tap("fabric0", "fabric")]), "needs hugepages",
                     "memory.hugepages")

    def test_a_driver_that_does_not_exist(self):
        self.host_refused("net_nosuch0", "net_nosuch0", "check the device")

    def test_more_queues_than_a_device_has(self):
        file = os.path.join(self.folder, "in.pcap")
        roce.write_frames(file, [])
        self.host_refused(f"net_pcap0,rx_pcap={file}", "at most 1 queues", "lower queues", queues=2)

    def test_a_port_without_a_device(self):
        port = host("tap:host0")
        del port["device"]
        self.refused(settings([port, tap("fabric0", "fabric")]), "port 'host0': ", "no device", "name one")

    def test_hugepages_that_are_not_there(self):
        config = settings(taps(1)) | {"memory": {"hugepages": "require", "limit_mib": 1048576, "mbufs": 1 << 26}}
        self.refused(config, "MiB of hugepages are needed", "are free", "nr_hugepages")

    def test_more_memory_than_its_limit(self):
        config = settings(taps(1, descriptors=4096, mtu=9000)) | {"memory": {"hugepages": "off", "limit_mib": 64}}
        self.refused(config, "memory.limit_mib is 64", "raise it")

    def test_the_name_of_a_running_gateway(self):
        first = self.daemon(settings(taps(1), name="twin"))
        other = [tap("host9", "host"), tap("fabric9", "fabric")]
        os.mkdir(f"{self.folder}/other")
        folder, self.folder = self.folder, f"{self.folder}/other"
        for api in ({}, {"api": {"socket": f"{folder}/other/api.sock"}}):
            with self.subTest(api):
                self.refused(settings(other, name="twin", **api), "twin")
                first.api().get("show/ports")
                self.assertTrue(os.path.exists("/run/dpdk/braidway-twin/dpdk_telemetry.v2"))
        self.assert_ends(first)

    def nobody(self):
        """A prefix that runs a copy of the daemon as nobody, without any capability."""
        if shutil.which("setpriv") is None:
            self.skipTest("no setpriv")
        copy = os.path.join(self.folder, "braidway")
        shutil.copy(programs["braidway"], copy)
        os.chmod(self.folder, 0o755)
        runtime = os.path.join(self.folder, "runtime")
        os.mkdir(runtime)
        os.chown(runtime, 65534, 65534)
        self.addCleanup(programs.__setitem__, "braidway", programs["braidway"])
        programs["braidway"] = copy
        return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                "--bounding-set=-all", "--no-new-privs", "env", f"XDG_RUNTIME_DIR={runtime}"]

    def test_an_unprivileged_user_with_a_tap(self):
        self.refused(settings(taps(1), api={"socket": f"{self.folder}/api.sock"}), "port 'host0': ",
                     "CAP_NET_ADMIN", prefix=self.nobody())


class WrongUse(Base):
    def test_a_configuration_that_does_not_exist(self):
        for command in ("run", "check"):
            done = self.run_to_its_end(command, f"{self.folder}/none.yaml")
            self.assertEqual(done.returncode, BAD_CONFIGURATION)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn("none.yaml", done.stderr)

    def test_a_folder_as_configuration(self):
        for command in ("run", "check"):
            done = self.run_to_its_end(command, self.folder)
            self.assertEqual(done.returncode, BAD_CONFIGURATION)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_a_wrong_configuration_starts_nothing(self):
        file = write_config(self.folder, settings(taps(1)) | {"idle": "snooze"})
        for command in ("run", "check"):
            done = self.run_to_its_end(command, file)
            self.assertEqual(done.returncode, BAD_CONFIGURATION)
            self.assertRegex(done.stderr, r"gw\.yaml:\d+:\d+: .*snooze")
        self.assert_nothing_left()

    def test_check_says_fine_and_touches_nothing(self):
        done = self.run_to_its_end("check", write_config(self.folder, settings(taps(1))))
        self.assertEqual((done.returncode, done.stdout.split()[-1], done.stderr), (0, "fine", ""))
        self.assert_nothing_left()

    def test_wrong_flags(self):
        for arguments in ([], ["run"], ["fly"], ["run", "--fast", "x"], ["check", "a", "b"], ["pipeline"],
                          ["replay", "x"], ["--nonsense"]):
            with self.subTest(arguments):
                done = self.run_to_its_end(*arguments)
                self.assertEqual(done.returncode, BAD_CONFIGURATION, done.stderr)
                self.assertTrue(done.stderr)

    def test_help_and_version_are_no_errors(self):
        for arguments in (["--help"], ["run", "--help"], ["--version"]):
            done = self.run_to_its_end(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout)


if __name__ == "__main__":
    main()
