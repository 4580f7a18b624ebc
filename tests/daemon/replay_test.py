#!/usr/bin/env python3
"""`braidway replay`: a clear error for what cannot be replayed, and the same bytes for the same input every time.

replay_test.py BRAIDWAY BRAIDWAYCTL
"""
import os
import struct
import subprocess

from harness import Case, main, programs, roce, settings, write_config
from traffic import flows, frame

COULD_NOT, WRONG_USE = 1, 2


class Replay(Case):
    def setUp(self):
        super().setUp()
        self.capture = os.path.join(self.folder, "in.pcap")
        frames = [frame(flow, psn, bytes(40), 49152 + i) for psn in range(20) for i, flow in enumerate(flows(30))]
        roce.write_frames(self.capture, [roce.Frame(i // 1000, i % 1000, data) for i, data in enumerate(frames)])
        self.sent = frames

    def config(self, workers=1, queues=1):
        ports = [{"name": "host0", "role": "host", "queues": queues}] + \
                [{"name": f"fabric{i}", "role": "fabric", "queues": queues} for i in range(2)]
        config = settings(ports)
        config["workers"] = [{"core": 2 * i} for i in range(workers)]  # need not exist here
        return write_config(self.folder, config)

    def replay(self, *arguments, config=None):
        return subprocess.run([programs["braidway"], "replay", config or self.config(), *arguments],
                              capture_output=True, text=True, timeout=60)

    def refused(self, code, word, *arguments):
        done = self.replay(*arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        last = done.stderr.strip().splitlines()[-1]
        self.assertIn(word, last)
        self.assertTrue(last.startswith("braidway: "), last)
        self.assert_nothing_left()

    def out(self, name="out"):
        return os.path.join(self.folder, name)

    def file_of(self, data):
        file = os.path.join(self.folder, "bad.pcap")
        with open(file, "wb") as out:
            out.write(data)
        return file

    def refused_capture(self, word, data):
        file = self.file_of(data)
        self.refused(COULD_NOT, word, "--in", f"host0={file}", "--out", self.out())
        self.refused(COULD_NOT, "bad.pcap", "--in", f"host0={file}", "--out", self.out())

    def test_a_capture_that_is_not_there(self):
        self.refused(COULD_NOT, "none.pcap", "--in", f"host0={self.folder}/none.pcap", "--out", self.out())

    def test_a_file_that_is_no_capture(self):
        self.refused_capture("unknown file format", b"what is this?" * 10)
        self.refused_capture("bad.pcap", b"")

    def test_a_capture_that_is_cut_short(self):
        with open(self.capture, "rb") as file:
            data = file.read()
        for cut in (10, 24 + 7, 24 + 16 + 9, len(data) - 1):
            with self.subTest(cut):
                self.refused_capture("truncated", data[:cut])

    def test_a_capture_of_another_link_type(self):
        self.refused_capture("Ethernet", struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 113))

    def test_frames_that_were_captured_in_part(self):
        data = self.sent[0]
        self.refused_capture("whole frames", struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 64, 1)
                             + struct.pack("<IIII", 0, 0, 64, len(data)) + data[:64])

    def test_what_the_role_does_not_take(self):
        self.refused(WRONG_USE, "host port", "--in", f"host0={self.capture}", "--out", self.out(), "--role", "sink")
        self.refused(WRONG_USE, "fabric port", "--in", f"fabric0={self.capture}", "--out", self.out(),
                     "--role", "source")

    def test_paths_that_are_not_there_and_values_that_are_none(self):
        for option, value, word in (("--path-delay", "none=1us", "there is no path 'none'; there are fabric0, fabric1"),
                                    ("--path-delay", "fabric0", "not PATH=VALUE"),
                                    ("--path-delay", "=1us", "not PATH=VALUE"),
                                    ("--path-delay", "fabric0=", "not PATH=VALUE"),
                                    ("--path-delay", "fabric0=10", "not a time"),
                                    ("--path-delay", "fabric0=-1us", "not a time"),
                                    ("--path-delay", "fabric0=1e3us", "not a time"),
                                    ("--path-delay", "fabric0=nanus", "not a time"),
                                    ("--path-delay", "fabric0=99999999999s", "not a time"),
                                    ("--path-cut", "fabric0=1m", "not a time"),
                                    ("--path-loss", "fabric0=1.5", "not a share"),
                                    ("--path-loss", "fabric0=1%", "not a share"),
                                    ("--path-loss", "fabric0=nan", "not a share")):
            with self.subTest(f"{option} {value}"):
                self.refused(WRONG_USE, word, "--in", f"fabric0={self.capture}", "--out", self.out(),
                             "--role", "sink", option, value)

    def test_paths_are_a_sinks(self):
        sent = ("--in", f"host0={self.capture}", "--out", self.out())
        self.refused(WRONG_USE, "--role sink", *sent, "--role", "source", "--path-loss", "fabric0=0.5")
        for option in ("--path-delay=fabric0=1us", "--path-loss=fabric0=0.5", "--path-cut=fabric0=1ms"):
            self.assertEqual(self.replay(*sent, option).returncode, WRONG_USE, option)

    def test_frames_of_absurd_length(self):
        self.refused_capture("bad.pcap", struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
                             + struct.pack("<IIII", 0, 0, 0xFFFFFFF0, 0xFFFFFFF0) + bytes(100))

    def test_ports_that_are_not_there(self):
        self.refused(WRONG_USE, "no port 'host9'", "--in", f"host9={self.capture}", "--out", self.out())
        for text in ("host0", "=x", "host0="):
            self.refused(WRONG_USE, "PORT=FILE", "--in", text, "--out", self.out())

    def test_a_folder_that_cannot_be_written(self):
        self.refused(COULD_NOT, "/proc/none", "--in", f"host0={self.capture}", "--out", "/proc/none")
        self.refused(COULD_NOT, "in.pcap", "--in", f"host0={self.capture}", "--out", self.capture)
        os.makedirs(self.out() + "/host0.pcap")
        self.refused(COULD_NOT, "host0.pcap", "--in", f"host0={self.capture}", "--out", self.out())

    def test_a_result_that_cannot_be_written(self):
        self.refused(COULD_NOT, "/proc/none.json", "--in", f"host0={self.capture}", "--out", self.out(),
                     "--json", "/proc/none.json")

    def test_a_disk_that_is_full_is_an_error(self):
        os.mkdir(self.out())
        os.symlink("/dev/full", self.out() + "/fabric0.pcap")
        self.refused(COULD_NOT, "fabric0.pcap", "--in", f"host0={self.capture}", "--out", self.out())

    def test_the_same_input_gives_the_same_bytes_with_any_workers(self):
        first, frames = {}, {}
        for workers, queues in ((1, 1), (2, 2), (3, 4)):
            for run in range(3):
                folder = self.out(f"out-{workers}-{run}")
                done = self.replay("--in", f"host0={self.capture}", "--in", f"fabric1={self.capture}", "--out", folder,
                                   "--json", f"{folder}.json", config=self.config(workers, queues))
                self.assertEqual(done.returncode, 0, done.stderr)
                got = {}
                for name in sorted(os.listdir(folder)) + [f"../{os.path.basename(folder)}.json"]:
                    with open(os.path.join(folder, name), "rb") as file:
                        got[os.path.splitext(name)[1], name.split(".")[0]] = file.read()
                self.assertEqual(got, first.setdefault(workers, got))
            frames[workers] = {name: [each.data for each in roce.read_frames(os.path.join(folder, name))]
                               for name in sorted(os.listdir(folder))}
            self.assertEqual(frames[workers]["host0.pcap"], self.sent)
            self.assertEqual(sorted(frames[workers]["fabric0.pcap"] + frames[workers]["fabric1.pcap"]),
                             sorted(self.sent))
            self.assertEqual(frames[workers], frames[1], "a flow's path depends on the number of workers")
        self.assert_nothing_left()


if __name__ == "__main__":
    main()
