#!/usr/bin/env python3
"""Real RDMA through the gateway pair: two QEMU guests with the kernel's soft-RoCE run perftest against each other.

    scripts/lab rdma [--short] [--mtu N ...] [--keep] [--only WORD ...] [--control]

It passes when every perftest succeeds, every RoCE frame that entered a gateway's host port left the other's byte for
byte and in order per flow, every ICRC is right, no drop counter moved, and the gateways end cleanly.

--short    two commands at MTU 1500 only (a part of scripts/test)
--mtu N    guest and gateway MTU; may be repeated [1500 and 4200, the latter for RoCE's path MTU 4096]
--keep     keeps the folder with captures, configurations and logs, and says where it is
--only W   only the commands that contain W
--control  a plain Linux bridge instead of the gateways: is it the lab, or is it the gateway?

Exit code: 0 passed; 1 failed; 2 wrong usage; 3 the lab could not be set up.
"""
import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import compare
from guests import Guest, LabError
from middle import Bridge, Gateways

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))
TIMEOUT = 90  # seconds a command may take
# Retransmission time-out 4.096 us x 2^19 = 2.1 s (IBTA 9.9.2.4.1): emulated guests answer late, and a soft-RoCE requester
# that times out within a SEND goes on with other PSNs than before, which its responder refuses (seen in captures of
# both sides, over a plain bridge as well).
QP_TIMEOUT = 19
SHORT = [("v4", "ib_write_bw -q 4 -s 16384 -n 100"), ("v6", "ib_read_bw -q 2 -s 16384 -n 100")]
FULL = [(kind, command) for kind in ("v4", "v6") for command in (
    "ib_write_bw -q 4 -s 65536 -n 200", "ib_read_bw -q 4 -s 65536 -n 100", "ib_send_bw -q 4 -s 65536 -n 200",
    "ib_atomic_bw -q 4 -A FETCH_AND_ADD -n 500", "ib_atomic_bw -A CMP_AND_SWAP -n 500",
    "ib_write_lat -s 4096 -n 500", "ib_read_lat -s 4096 -n 500", "ib_send_lat -s 4096 -n 500",
    "ib_atomic_lat -n 500")]


def say(text):
    print(f"lab: {text}", flush=True)


def perftest(server, client, kind, command):
    """Runs one perftest pair over the addresses of one kind. Returns the problems."""
    more = f" -u {QP_TIMEOUT} -x $(gididx {kind})"
    number = server.start(command + more, TIMEOUT, port=18515)
    code, output = client.run(f"{command}{more} {server.address4}", TIMEOUT)
    if code != 0:
        server.kill(number)
    server_code, server_output = server.finish(number, TIMEOUT)
    problems = []
    if code or server_code:
        problems.append(f"`{command}` over IP{kind}: client ended with {code}, server with {server_code}\n"
                        f"{output}\nserver:\n{server_output}")
    return problems


def changed_drops(before, after):
    problems = []
    for name in after:
        for reason in sorted(set(before[name]) | set(after[name])):
            was, now = before[name].get(reason, 0), after[name].get(reason, 0)
            if was != now:
                problems.append(f"gateway {name} dropped {now - was} frames: {reason}")
    return problems


def run_at(mtu, commands, middle, state, options):
    """Boots the guests around the middle and runs the commands. Returns the problems."""
    problems = []
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: problems.extend(middle.stop()))
        middle.start()
        started = time.monotonic()
        guests = {}
        for name, mac in (("a", "02:72:78:65:00:0a"), ("b", "02:72:78:65:00:0b")):
            number = {"a": 1, "b": 2}[name]
            where = ({"tap": middle.taps[name], "netns": middle.netns} if options.control else
                     {"socket_path": middle.host_socket(name)})
            guests[name] = Guest(name, state, options.cache, mtu, f"10.77.0.{number}/24", f"fd77::{number}/64", mac,
                                 options.accelerator, **where)
            stack.callback(guests[name].stop)
        for name in guests:
            guests[name].wait_until_up()
        say(f"MTU {mtu}: both guests are up after {time.monotonic() - started:.1f} s")
        for kind, command in commands:
            started = time.monotonic()
            before = middle.drops()
            middle.start_captures()
            found = perftest(guests["a"], guests["b"], kind, command)
            middle.stop_captures()
            frames = 0
            for entered, left in (("a.rx.pcap", "b.tx.pcap"), ("b.rx.pcap", "a.tx.pcap")):
                wrong, seen, _ = compare.compare(os.path.join(state, entered), os.path.join(state, left))
                found += [f"{entered} -> {left}: {text}" for text in wrong]
                if not seen:
                    found.append(f"{entered}: no RoCE frame was captured")
                frames += seen
            found += changed_drops(before, middle.drops())
            say(f"{'FAILED' if found else 'passed'}: MTU {mtu} IP{kind} {command}: {frames} RoCE frames "
                f"in {time.monotonic() - started:.1f} s")
            for problem in found:
                print("  " + problem.replace("\n", "\n  "), flush=True)
            problems += [(mtu, kind, command)] if found else []
            if found and options.keep:
                for file in ("a.rx", "a.tx", "b.rx", "b.tx"):
                    shutil.copy(os.path.join(state, f"{file}.pcap"),
                                os.path.join(state, f"failed-{len(problems)}.{file}.pcap"))
    return problems


def main():
    parser = argparse.ArgumentParser(prog="lab rdma", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter, add_help=True)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--mtu", type=int, action="append")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--only", action="append", metavar="WORD")
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--build", default=os.environ.get("BRAIDWAY_BUILD", os.path.join(ROOT, "build")))
    parser.add_argument("--cache", default=os.environ.get("BRAIDWAY_LAB_CACHE", os.path.join(ROOT, ".cache", "lab")))
    parser.add_argument("--accelerator", default="tcg,thread=multi", help="QEMU's -accel")
    options = parser.parse_args()
    commands = [(kind, command) for kind, command in (SHORT if options.short else FULL)
                if not options.only or any(word in command for word in options.only)]
    mtus = options.mtu or ([1500] if options.short else [1500, 4200])
    if not commands:
        parser.error("--only leaves no command")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))

    state = tempfile.mkdtemp(prefix="braidway-lab-")
    started, problems = time.monotonic(), []
    try:
        if subprocess.run([os.path.join(HERE, "image.sh"), options.cache]).returncode:
            return 3
        for mtu in mtus:
            middle = Bridge(state, mtu) if options.control else Gateways(state, options.build, mtu)
            problems += run_at(mtu, commands, middle, state, options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    finally:
        if options.keep:
            say(f"captures, configurations and logs are in {state}")
        else:
            shutil.rmtree(state, ignore_errors=True)
    for problem in problems:
        if isinstance(problem, str):
            print(f"lab: {problem}")
    total = len(commands) * len(mtus)
    failed = len({problem for problem in problems if not isinstance(problem, str)})
    say(f"{total - failed} of {total} commands passed in {time.monotonic() - started:.0f} s")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
