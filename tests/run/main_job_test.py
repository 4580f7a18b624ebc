#!/usr/bin/env python3
"""What scripts/run promises, asked of the whole thing.   main_job_test.py BUILD [unittest's arguments]"""
import contextlib
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
SECONDS = 3
KEYS = ["seconds", "sent", "delivered", "lost", "reordered", "icrc_errors", "drops", "paths"]
SECOND_LINE = re.compile(r"^ *(\d+) s  ([\d,]+) frames/s .* dropped (\d+) ")


def wait_for(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)
    return result


def processes(word):
    """{pid: command line} of all that have the word in it."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if word in command:
                    found[int(entry.name)] = command
    return found


class MainJob(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="run-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.json = self.folder / "run.json"
        # All that a run makes lies in a folder of its own here: what is left of it can be told.
        self.temporary = self.folder / "t"
        self.temporary.mkdir()

    def start(self, *arguments, out=subprocess.PIPE, before=(), **environment):
        command = [*before, str(ROOT / "scripts/run"), "--no-setup", "--no-build", *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True,
                                   env=os.environ | {"BRAIDWAY_BUILD": str(BUILD), "TMPDIR": str(self.temporary)}
                                   | environment,
                                   cwd=self.folder, start_new_session=True)
        self.addCleanup(self.put_down, process)
        return process

    @staticmethod
    def put_down(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def run_it(self, *arguments, **how):
        process = self.start(*arguments, **how)
        out, errors = process.communicate(timeout=90)
        return process.returncode, out, errors

    def assert_nothing_left(self):
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.assertEqual(processes(str(self.temporary)), {})

    def assert_good(self, code, out, errors, seconds=SECONDS, json_file=None):
        self.assertEqual(code, 0, out + errors)
        run = json.loads((json_file or self.json).read_text())
        self.assertEqual(list(run)[:len(KEYS)], KEYS)
        self.assertAlmostEqual(run["seconds"], seconds, delta=0.5)
        self.assertGreater(run["sent"], 10_000)
        self.assertEqual(run["delivered"], run["sent"])
        self.assertEqual([run[key] for key in ("lost", "reordered", "icrc_errors")], [0, 0, 0])
        self.assertEqual(run["drops"], {})
        self.assertEqual([path["name"] for path in run["paths"]], [f"fabric{i}" for i in range(4)])
        carried = sum(path["packets"] for path in run["paths"])
        for path in run["paths"]:
            self.assertGreater(path["packets"], run["sent"] / 20, path)
            self.assertAlmostEqual(path["share"], path["packets"] / carried, places=9)
        # The traffic program counted what it sent, the gateways what they steered. Beyond those there are only the
        # greetings by which the traffic program finds out that there is a way.
        self.assertGreaterEqual(carried, run["sent"] + run["retransmitted"])
        self.assertLess(carried - run["sent"] - run["retransmitted"], 200)
        self.assert_nothing_left()
        return run

    def wait_for_traffic(self, process):
        """Reads until the first second of traffic has been shown."""
        seen = ""
        while not SECOND_LINE.match(line := process.stdout.readline()):
            self.assertTrue(line, f"no second was shown:\n{seen}{process.stderr.read() if not line else ''}")
            seen += line

    def test_every_frame_arrives_in_order_over_four_paths_and_each_second_is_a_plain_line(self):
        code, out, errors = self.run_it("--seconds", SECONDS, "--json", self.json)
        self.assert_good(code, out, errors)
        self.assertNotIn("\x1b", out + errors)
        seconds = [SECOND_LINE.match(line) for line in out.splitlines()]
        numbers = [int(match[1]) for match in seconds if match]
        self.assertGreaterEqual(len(numbers), SECONDS - 1, out)
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.assertIn("everything arrived", out)

    def test_it_does_without_hugepages(self):
        code, out, errors = self.run_it("--no-huge", "--seconds", SECONDS, "--json", self.json)
        run = self.assert_good(code, out, errors)
        self.assertIs(run["hugepages"], False)

    def test_sprayed_frames_arrive_in_order_and_every_path_has_its_share(self):
        trace = self.folder / "paths.trace"
        code, out, errors = self.run_it("--policy", "spray", "--seconds", SECONDS, "--json", self.json, "--trace", trace)
        run = self.assert_good(code, out, errors)
        for path in run["paths"]:
            self.assertGreater(path["share"], 0.2, out)
        # What the gateways hear of their paths is forecast from, and recorded.
        for forecast in run["forecast"]:
            self.assertGreater(forecast["feedbacks"], 100, out)
            self.assertGreater(forecast["ticks"], 100, out)
        self.assertIn("forecast a", out)
        self.assertEqual(trace.read_bytes()[:8], b"BWTRACE\n")

    def test_one_core_is_enough(self):
        core = str(max(os.sched_getaffinity(0)))
        code, out, errors = self.run_it("--seconds", SECONDS, "--json", self.json, before=("taskset", "-c", core))
        self.assert_good(code, out, errors)

    def test_two_may_run_at_once(self):
        files = [self.folder / f"{i}.json" for i in range(2)]
        both = [self.start("--seconds", SECONDS, "--json", file) for file in files]
        ends = [(*process.communicate(timeout=90), process.returncode) for process in both]
        for (out, errors, code), file in zip(ends, files):
            self.assert_good(code, out, errors, json_file=file)

    def test_on_a_terminal_the_table_stays_in_place(self):
        ours, theirs = pty.openpty()
        process = self.start("--seconds", SECONDS, out=theirs, TERM="xterm")
        os.close(theirs)
        out = b""
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while chunk := os.read(ours, 65536):
                out += chunk
        os.close(ours)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, out)
        heads = out.count(b"second ")
        self.assertGreaterEqual(heads, SECONDS - 1)
        self.assertEqual(out.count(b"\x1b[7F\x1b[J"), heads - 1, "each table but the first overwrites the one before")

    def test_a_gateway_that_is_killed_fails_the_run_and_is_named(self):
        for side in ("a", "b"):
            with self.subTest(gateway=side):
                self.json.write_text("of an earlier run")
                process = self.start("--seconds", 60, "--json", self.json)
                self.wait_for_traffic(process)
                daemon, = processes(f"{side}.yaml").keys() & processes(str(self.temporary)).keys()
                os.kill(daemon, signal.SIGKILL)
                _, errors = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 1)
                self.assertIn(f"gateway {side} was killed by SIGKILL", errors)
                self.assertIn(f"    gateway {side}: ", errors, "its log is shown")
                self.assertFalse(self.json.exists(), "no result, not even that of an earlier run")
                self.assert_nothing_left()

    def test_a_signal_ends_it_early_with_a_true_summary_and_no_success(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number.name):
                process = self.start("--seconds", 60, "--json", self.json)
                self.wait_for_traffic(process)
                os.killpg(process.pid, number)  # as a terminal does: to every process of the group
                out, errors = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 1, out + errors)
                self.assertIn("ended by a signal before its time", out)
                run = json.loads(self.json.read_text())
                self.assertLess(run["seconds"], 30)
                self.assertEqual(run["delivered"], run["sent"])
                self.assertEqual(run["drops"], {})
                self.assert_nothing_left()

    def test_a_signal_during_the_start_leaves_nothing(self):
        process = self.start("--seconds", 60)
        wait_for(lambda: processes(str(self.temporary)), 10, "the first gateway")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1)
        self.assertIn("interrupted", errors)
        self.assert_nothing_left()

    def test_an_ignored_hangup_stays_ignored(self):
        process = self.start("--seconds", SECONDS, "--json", self.json, before=("nohup",))
        self.wait_for_traffic(process)
        os.killpg(process.pid, signal.SIGHUP)
        out, errors = process.communicate(timeout=30)
        self.assert_good(process.returncode, out, errors)

    def test_a_reader_that_goes_away_ends_it(self):
        process = self.start("--seconds", 60)
        self.wait_for_traffic(process)
        process.stdout.close()
        process.wait(30)
        self.assertEqual(process.returncode, 1)
        self.assertIn("stdout cannot be written", process.stderr.read())
        self.assert_nothing_left()

    def test_programs_that_are_not_there_are_named(self):
        process = subprocess.run([ROOT / "scripts/run", "--no-setup", "--no-build"], capture_output=True, text=True,
                                 env=os.environ | {"BRAIDWAY_BUILD": str(self.folder), "TMPDIR": str(self.temporary)})
        self.assertEqual(process.returncode, 1)
        self.assertIn(f"{self.folder}/ctrl/braidway", process.stderr)
        self.assert_nothing_left()

    def test_wrong_use_is_refused_with_code_2_before_anything_is_done(self):
        for arguments in (["--frobnicate"], ["more"], ["--seconds"], ["--seconds", "0"], ["--seconds", "1.5"],
                          ["--seconds", "-1"], ["--seconds", "08"], ["--seconds", "604801"], ["--seconds", ""],
                          ["--json", self.folder], ["--json", self.folder / "no" / "file"],
                          ["--config", self.folder / "none.yaml"], ["--config", self.folder],
                          ["--config", ROOT / "scripts/examples/wire.yaml", "--seconds", "3"],
                          ["--policy", "reroute"], ["--policy", ""],
                          ["--trace", self.folder / "new"], ["--policy", "spray", "--trace", self.folder],
                          ["--policy", "spray", "--trace", self.folder / "no" / "file"],
                          ["--config", ROOT / "scripts/examples/wire.yaml", "--policy", "spray"]):
            with self.subTest(arguments=arguments):
                code, out, errors = self.run_it(*arguments)
                self.assertEqual(code, 2, errors)
                self.assertEqual(out, "")
                self.assertRegex(errors, r"^run: .*\(scripts/run --help\)\n$")

    def test_help_names_every_option(self):
        code, out, _ = self.run_it("--help")
        self.assertEqual(code, 0)
        for option in ("--seconds", "--json", "--config", "--policy", "--trace", "--no-huge", "--no-setup", "--no-build"):
            self.assertIn(option, out)

    @unittest.skipIf(os.geteuid(), "TAP interfaces need root")
    def test_config_becomes_the_daemon_and_sigterm_ends_it_well(self):
        api = self.folder / "api.sock"
        config = self.folder / "gateway.yaml"
        config.write_text((ROOT / "scripts/examples/wire-tap.yaml").read_text() + f"api: {{socket: {api}}}\n")
        process = self.start("--config", config.name, before=("unshare", "--net"))  # relative to the caller's folder
        def there():
            self.assertIsNone(process.poll(), process.poll() is not None and process.stderr.read())
            return api.exists()
        wait_for(there, 20, "the daemon's API")
        answer = subprocess.run([BUILD / "ctrl/braidwayctl", "--socket", api, "show", "ports", "-j"],
                                capture_output=True, text=True, timeout=20)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual([port["name"] for port in json.loads(answer.stdout)["ports"]], ["host0", "fabric0", "fabric1"])
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0, errors)
        self.assertFalse(api.exists())

    def test_a_wrong_configuration_is_the_daemons_to_refuse(self):
        config = self.folder / "gateway.yaml"
        config.write_text("gateway: {name: a, id: 0}\n")
        code, _, errors = self.run_it("--config", config)
        self.assertEqual(code, 2)
        self.assertIn(f"{config}:1:", errors)


if __name__ == "__main__":
    # Whoever starts the tests may ignore signals, and what is ignored here the runs would ignore, too.
    for interrupt in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(interrupt, lambda number, _: sys.exit(128 + number))
    unittest.main(verbosity=2)
