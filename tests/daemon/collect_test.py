#!/usr/bin/env python3
"""braidwayctl collect: prints the reports that come, names those that are broken, and counts. No gateway runs.

collect_test.py BRAIDWAY BRAIDWAYCTL

The reports are golden vectors of the wire-format reference and others written from its text (tests/wire/golden.py);
what they say is checked against tests/wire's decoder, which shares nothing with braidwayctl.
"""
import fcntl
import json
import random
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import time
import unittest

from harness import Case, PATIENCE, await_true, main, programs
import golden

WRONG_USE, FAILED = 2, 1
LOOPBACK = {"127.0.0.1:0": ("127.0.0.1", socket.AF_INET), "[::1]:0": ("::1", socket.AF_INET6)}


class Collector:
    """braidwayctl collect on a port of the kernel's choice; lines() awaits so many lines on stdout."""

    def __init__(self, *arguments, listen="127.0.0.1:0"):
        self.process = subprocess.Popen([programs["braidwayctl"], "collect", "--listen", listen, *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        told = self.process.stderr.readline().decode()
        self.port = int(re.fullmatch(r"braidwayctl: collecting on \S+:(\d+)\n", told)[1])
        self.unread = b""
        _, family = LOOPBACK.get(listen, (None, socket.AF_INET6 if "[" in listen else socket.AF_INET))
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.to = "::1" if family == socket.AF_INET6 else "127.0.0.1"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.kill()
        self.process.communicate()

    def send(self, *payloads):
        for payload in payloads:
            self.socket.sendto(payload, (self.to, self.port))

    def lines(self, count):
        deadline = time.monotonic() + PATIENCE
        while self.unread.count(b"\n") < count:
            if not select.select([self.process.stdout], [], [], deadline - time.monotonic())[0]:
                raise AssertionError(f"not {count} lines within {PATIENCE} s: {self.unread!r}")
            more = self.process.stdout.read1()
            if not more:
                raise AssertionError(f"ended with {self.process.wait()} after {self.unread!r}")
            self.unread += more
        *found, self.unread = self.unread.split(b"\n", count)
        return [line.decode() for line in found]

    def objects(self, count):
        return [json.loads(line) for line in self.lines(count)]

    def end(self, with_signal=signal.SIGTERM):
        """(exit code, the rest of stdout)"""
        self.process.send_signal(with_signal)
        return self.rest()

    def rest(self):
        out, errors = self.process.communicate(timeout=PATIENCE)
        assert errors == b"", errors
        return self.process.returncode, (self.unread + out).decode()


def numbered(sequence):
    return golden.changed(golden.REPORT, {1: f"{0x400000 | sequence:06x}"})


def readable(pipe):
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def status(pid, field):
    with open(f"/proc/{pid}/status") as file:
        return re.search(rf"^{field}:\s+(\w+)", file.read(), re.MULTILINE)[1]


def asleep(pid):
    return status(pid, "State") == "S"


def pending(pid):
    return int(status(pid, "ShdPnd"), 16) != 0


def as_decoded(got):
    """A report as the decoder of tests/wire names its fields."""
    return {"node": got["node"], "hw_id": got["hardware"], "sequence": got["sequence"], "dropped": got["dropped"],
            "congested_queue": got["congested"], "tracked_flow": got["tracked_flow"],
            "intermediate": got["intermediate"], "metadata": got["metadata"], "domain": got["domain"],
            "ds_md_bits": got["ds_bits"], "ds_md_status": got["ds_status"], "order": got.get("order"),
            "departure": got.get("departure"), "inner": got["inner"]}


def decoded(payload):
    group = golden.read_report(payload)
    for one in group["reports"]:
        metadata = {name: value for name, value in one["metadata"].items() if name != "drop_pad"}
        yield {**{name: group[name] for name in ("node", "hw_id", "sequence")},
               **{name: one.get(name) for name in ("dropped", "congested_queue", "tracked_flow", "intermediate",
                                                   "domain", "ds_md_bits", "ds_md_status", "order", "departure")},
               "metadata": metadata, "inner": one["inner"].hex()}


class Reports(Case):
    def test_reports_are_read_as_an_independent_decoder_reads_them_over_either_ip(self):
        several = golden.REPORT + golden.REPORT[8:] + golden.REPORT_FRAME[8:]
        for listen in LOOPBACK:
            with self.subTest(listen), Collector("-j", "--int-port", "5005", listen=listen) as collector:
                sent = [golden.REPORT, golden.REPORT_FRAME, several]
                collector.send(*sent)
                want = [each for payload in sent for each in decoded(payload)]
                got = collector.objects(len(want))
                self.assertEqual([as_decoded(each) for each in got], want)
                self.assertEqual({each["sender"] for each in got}, {LOOPBACK[listen][0]})
                self.assertEqual({each["sender_port"] for each in got}, {collector.socket.getsockname()[1]})
                self.assertLess(abs(got[0]["time_ns"] / 1e9 - time.time()), PATIENCE)

    def test_the_packet_reported_on_is_told_with_its_hops(self):
        with Collector("-j", "--int-port", "5005") as collector:
            collector.send(golden.REPORT)
            packet = collector.objects(1)[0]["packet"]
        self.assertEqual((packet["source"], packet["destination"], packet["destination_port"]),
                         ("10.0.17.1", "10.0.18.1", 4791))
        self.assertEqual(packet["int"]["hops"], golden.HOPS_INT["hops"])

    def test_a_line_tells_people_the_same(self):
        with Collector("--int-port", "5005") as collector:
            collector.send(golden.REPORT, golden.REPORT_FRAME, b"\x20")
            heads, report, frame, broken = collector.lines(4)
            self.assertEqual(heads.split(), ["time", "(UTC)", "sender", "node", "number", "flags", "flow", "tells"])
            self.assertRegex(report, r"^\d\d:\d\d:\d\d\.\d{6}  127\.0\.0\.1 +3 +5  F +10\.0\.17\.1 > 10\.0\.18\.1 port "
                                     r"4791 +in 7 out 8 queue 1: 55 \| hop 2 in 5 out 6 latency 1500 ns queue 1: 100 "
                                     r"\| hop 1 in 3 out 4 latency 900 ns queue 0: 7$")
            self.assertRegex(frame, r" 9 +1  DI +10\.0\.17\.1 > 10\.0\.18\.1 protocol 17 +drop reason 2 gateway 7 path "
                                    r"2 lane 1 sequence 7$")
            self.assertTrue(broken.endswith("malformed: truncated_group in 1 bytes"), broken)
            code, rest = collector.end()
        self.assertEqual(code, 0)
        self.assertRegex(rest, r"(?m)^datagrams +3$")
        self.assertRegex(rest, r"(?m)^malformed: truncated_group +1$")

    def test_ipv4_that_comes_to_all_addresses_of_ipv6_shows_as_ipv4(self):
        with Collector("-j", listen="[::]:0") as collector:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(golden.REPORT, ("127.0.0.1", collector.port))
                self.assertEqual(collector.objects(1)[0]["sender"], "127.0.0.1")


class BadInput(Case):
    BROKEN = {"truncated_group": golden.REPORT[:7], "bad_report_version": golden.changed(golden.REPORT, {0: "30"}),
              "truncated_report": golden.REPORT[:19], "bad_report_type": golden.REPORT_TLV,
              "bad_inner_type": golden.changed(golden.REPORT, {8: "16"}), "bad_report_length": golden.REPORT[:-1],
              "unknown_metadata": golden.changed(golden.REPORT, {12: "d0"}),
              "bad_metadata_length": golden.changed(golden.REPORT, {10: "01"}),
              "unexpected_inner": golden.changed(golden.REPORT, {8: "10"})}

    def test_every_defect_is_named_and_counted_and_the_next_report_is_read(self):
        with Collector("-j") as collector:
            for name, payload in self.BROKEN.items():
                collector.send(payload, golden.REPORT)
                broken, report = collector.objects(2)
                self.assertEqual((broken["malformed"], broken["bytes"]), (name, len(payload)))
                self.assertEqual(report["node"], 3)
            code, rest = collector.end()
        counters = json.loads(rest)["counters"]
        self.assertEqual((code, counters["datagrams"], counters["reports"]),
                         (0, 2 * len(self.BROKEN), len(self.BROKEN)))
        self.assertEqual(counters["malformed"], {name: 1 for name in self.BROKEN})

    def test_what_precedes_a_defect_in_a_datagram_is_read(self):
        with Collector("-j") as collector:
            collector.send(golden.REPORT + golden.REPORT[8:-4])
            report, broken = collector.objects(2)
            self.assertEqual((report["node"], broken["malformed"]), (3, "bad_report_length"))

    def test_a_node_that_has_two_senders_is_told(self):
        with Collector("-j", listen="0.0.0.0:0") as collector, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
            forger.bind(("127.0.0.66", 0))
            collector.send(golden.REPORT)
            self.assertNotIn("other_sender", collector.objects(1)[0])
            forger.sendto(numbered(0x3FFF00), ("127.0.0.1", collector.port))
            forged = collector.objects(1)[0]
            self.assertEqual((forged["other_sender"], forged["sender"]), (True, "127.0.0.66"))
            collector.send(numbered(6))
            collector.objects(1)
            counters = json.loads(collector.end()[1])["counters"]
        self.assertEqual((counters["other_sender"], counters["missing"], counters["restarted"]), (1, 0, 0))

    def test_damage_of_any_kind_is_survived(self):
        chance = random.Random(1)
        vectors = (golden.REPORT, golden.REPORT_TLV, golden.REPORT_FRAME, golden.PROBE)
        with Collector("-j", "--int-port", "5005") as collector:
            # In lots that fit the socket's buffer, each awaited by a whole report of a node of its own.
            for lot in range(40):
                for _ in range(50):
                    payload = bytearray(chance.choice(vectors))
                    for _ in range(chance.randrange(6)):
                        payload[chance.randrange(len(payload))] = chance.randrange(256)
                    del payload[chance.randrange(len(payload) + 1):]
                    collector.send(payload)
                collector.send(golden.changed(golden.REPORT, {4: f"abcdef{lot:02x}"}))
                while collector.objects(1)[0].get("node") != 0xABCDEF00 + lot:
                    pass
            code, rest = collector.end()
        counters = json.loads(rest)["counters"]
        self.assertEqual((code, counters["datagrams"], counters["overflowed"]), (0, 40 * 51, 0))

    def test_numbers_that_are_missing_late_or_begun_anew_are_counted(self):
        with Collector("-j") as collector:
            collector.send(*map(numbered, (100, 103, 101, 0)))
            collector.objects(4)
            counters = json.loads(collector.end()[1])["counters"]
        self.assertEqual((counters["missing"], counters["late"], counters["restarted"]), (2, 1, 1))

    def test_what_the_kernel_dropped_is_counted(self):
        sent, full = 0, 20_000  # more than the buffer holds
        with Collector("-j") as collector:
            collector.process.send_signal(signal.SIGSTOP)
            while sent < full:
                collector.send(numbered(sent))
                sent += 1
            collector.process.send_signal(signal.SIGCONT)
            # A datagram tells how many before it were dropped: one more behind the last that was kept.
            while collector.objects(1)[0]["sequence"] < full:
                if b"\n" not in collector.unread and not select.select([collector.process.stdout], [], [], 0)[0]:
                    collector.send(numbered(sent))
                    sent += 1
            *more, counters = map(json.loads, collector.end()[1].splitlines())
        counters = counters["counters"]
        last = more[-1]["sequence"] if more else full
        self.assertGreater(counters["overflowed"], 0)
        self.assertGreaterEqual(counters["datagrams"] + counters["overflowed"], last + 1)
        self.assertLessEqual(counters["datagrams"] + counters["overflowed"], sent)
        self.assertEqual(counters["missing"], counters["overflowed"])


class Ends(Case):
    def test_it_ends_with_either_signal_and_counts(self):
        for with_signal in (signal.SIGTERM, signal.SIGINT):
            with Collector("-j") as collector:
                collector.send(golden.REPORT)
                collector.objects(1)
                code, rest = collector.end(with_signal)
            self.assertEqual((code, json.loads(rest)["counters"]["reports"]), (0, 1))

    def test_it_ends_after_as_many_reports_as_asked_for(self):
        with Collector("-j", "--count", "3") as collector:
            collector.send(golden.REPORT, b"", golden.REPORT + golden.REPORT[8:] * 4)
            code, rest = collector.rest()
        *lines, counters = map(json.loads, rest.splitlines())
        self.assertEqual((code, [line.get("malformed") for line in lines]), (0, [None, "truncated_group", None, None]))
        self.assertEqual(counters["counters"]["reports"], 3)

    def test_a_second_signal_ends_it_though_nobody_reads_what_it_prints(self):
        with Collector("-j") as collector:
            pipe = collector.process.stdout.fileno()
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
            collector.send(*[golden.REPORT] * 50)
            await_true("it waits for a reader", lambda: readable(pipe) > 2048 and asleep(collector.process.pid))
            collector.process.terminate()
            # Two of a kind that are not yet taken would be one.
            await_true("it has got the signal", lambda: not pending(collector.process.pid))
            collector.process.terminate()
            self.assertEqual(collector.process.wait(PATIENCE), -signal.SIGTERM)

    def test_wrong_use_is_said_and_so_is_an_address_that_is_taken_or_not_here(self):
        with Collector() as collector:
            for code, words, *arguments in (
                    (WRONG_USE, "127.0.0.1:32766", "--listen", "nowhere:1"),
                    (WRONG_USE, "1 or more", "--count", "0"), (WRONG_USE, "1 or more", "--count", "-1"),
                    (WRONG_USE, "1 to 65535", "--int-port", "65536"),
                    (FAILED, "another collector", "--listen", f"127.0.0.1:{collector.port}"),
                    (FAILED, "address of this machine", "--listen", "192.0.2.1:1")):
                got, out, errors = self.ctl("collect", *arguments)
                self.assertEqual((got, out, len(errors.splitlines())), (code, "", 1), (arguments, errors))
                self.assertIn(words, errors)

    def test_output_that_cannot_be_written_ends_it(self):
        with open("/dev/full", "wb") as full:
            process = subprocess.Popen([programs["braidwayctl"], "collect", "--listen", "127.0.0.1:0"], stdout=full,
                                       stderr=subprocess.PIPE, text=True)
            with process.stderr:
                port = int(process.stderr.readline().rsplit(":", 1)[1])
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                    sender.sendto(golden.REPORT, ("127.0.0.1", port))
                self.assertEqual(process.wait(PATIENCE), FAILED)
                self.assertIn("cannot be written", process.stderr.read())

    def test_it_listens_on_the_loopback_address_unless_told_otherwise(self):
        process = subprocess.Popen([programs["braidwayctl"], "collect"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        with process.stderr:
            self.assertEqual(process.stderr.readline(), "braidwayctl: collecting on 127.0.0.1:32766\n")
            process.terminate()
            self.assertEqual(process.wait(PATIENCE), 0)


if __name__ == "__main__":
    main()
