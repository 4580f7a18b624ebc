#!/usr/bin/env python3
"""Real RDMA through the gateway pair: two QEMU guests with the kernel's soft-RoCE run perftest, and mixed-verbs, against
each other.

    scripts/lab rdma [--spray] [--short] [--mtu N ...] [--keep] [--only WORD ...] [--control]

It passes when every command succeeds, every RoCE frame that entered a gateway's host port left the other's byte for
byte and in order per flow, every ICRC is right, no drop counter moved, and the gateways end cleanly.

--spray    each flow's packets over four paths of braidway-wire, whose delays differ by up to 0.7 ms; passes if besides
           every path was used, and neither side's soft-RoCE saw a packet out of order or twice. Then, for two commands,
           a path is cut in the middle of the command, which must succeed all the same
--short    four commands at MTU 1500 only (a part of scripts/test)
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
import threading
import time

import compare
from guests import Guest, LabError, wait_for
from middle import Bridge, Gateways, SprayedGateways

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))
TIMEOUT = 90  # seconds a command may take
# Retransmission time-out 4.096 us x 2^19 = 2.1 s (IBTA 9.9.2.4.1): emulated guests answer late, and a soft-RoCE requester
# that times out within a SEND goes on with other PSNs than before, which its responder refuses (seen in captures of
# both sides, over a plain bridge as well).
QP_TIMEOUT = 19
# Soft-RoCE does not stop that timer when everything is acknowledged: whatever is under way when it is over is sent again
# (seen in captures, 2.2 s after the first packet). Where nothing may be sent twice it has to outlast the command: 17 s.
QP_TIMEOUT_SPRAYED = 22
# What a responder counts that was sent again, or came in the wrong order.
HW_COUNTERS = "/sys/class/infiniband/rxe0/ports/1/hw_counters"
DISORDER = ("duplicate_request", "out_of_seq_request", "rcvd_seq_err")
CUTS = (("v4", "ib_write_bw -q 4 -s 65536 -n 150"), ("v6", "mixed-verbs -n 4000"))
CUT_AFTER = 50  # frames on the path
DIRECTIONS = (("a.rx.pcap", "b.tx.pcap"), ("b.rx.pcap", "a.tx.pcap"))
# -b: both ways at once, so that requests, ACKs and READ responses share a flow. mixed-verbs: WRITE, SEND, READ and
# FETCH_ADD on one queue pair, both ways at once, every byte checked.
SHORT = [("v4", "ib_write_bw -b -q 4 -s 16384 -n 100"), ("v6", "ib_read_bw -b -q 2 -s 16384 -n 100"),
         ("v4", "mixed-verbs -n 200"), ("v6", "mixed-verbs -n 200")]
FULL = [(kind, command) for kind in ("v4", "v6") for command in (
    "ib_write_bw -q 4 -s 65536 -n 200", "ib_read_bw -q 4 -s 65536 -n 100", "ib_send_bw -q 4 -s 65536 -n 200",
    "ib_atomic_bw -q 4 -A FETCH_AND_ADD -n 500", "ib_atomic_bw -A CMP_AND_SWAP -n 500",
    "ib_write_lat -s 4096 -n 500", "ib_read_lat -s 4096 -n 500", "ib_send_lat -s 4096 -n 500",
    "ib_atomic_lat -n 500", "ib_write_bw -b -q 2 -s 65536 -n 100", "ib_read_bw -b -q 2 -s 65536 -n 100",
    "ib_send_bw -b -q 2 -s 65536 -n 100", "ib_atomic_bw -b -q 2 -A FETCH_AND_ADD -n 200",
    "mixed-verbs -n 1000")]


def say(text):
    print(f"lab: {text}", flush=True)


def run_pair(server, client, kind, command, timeout=QP_TIMEOUT):
    """Runs one command as server and as client over the addresses of one kind. Returns the problems."""
    more = f" -u {timeout} -x $(gididx {kind})"
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


def disorder(guests):
    """{guest: {counter: value}}"""
    found = {}
    for name, guest in guests.items():
        code, output = guest.run(f"cd {HW_COUNTERS} && grep . *", TIMEOUT)
        if code:
            raise LabError(f"guest {name} does not tell its counters: {output}")
        counters = dict(line.split(":") for line in output.splitlines())
        found[name] = {counter: int(counters[counter]) for counter in DISORDER if counter in counters}
        if not found[name]:
            raise LabError(f"guest {name} has none of the counters {', '.join(DISORDER)}: {output}")
    return found


def stamped_by_path(middle):
    """{gateway: packets of the other's that came by each path}"""
    return {name: [path["received"]["packets"] for path in middle.paths(name)] for name in ("a", "b")}


def changed_disorder(before, after):
    return [f"guest {name} counted {value - before[name][counter]} x {counter}"
            for name, counters in after.items() for counter, value in counters.items() if value != before[name][counter]]


def unused_paths(middle):
    """Problems: paths by which nothing ever came."""
    return [f"nothing came to gateway {name} by path {path}"
            for name, received in stamped_by_path(middle).items() for path, packets in enumerate(received) if not packets]


def cut_in_the_middle(guests, middle, state, kind, command):
    """The path that most frames take is cut while a command runs. Returns the problems."""
    wait_for(middle.all_live, 20, "the path that was cut before to be live again")
    before = stamped_by_path(middle)["b"]
    path = lost_before = None
    cut_at = []
    waited = []

    def cut_when_it_runs(stop):
        nonlocal path, lost_before
        while not stop.wait(0.02):
            came = [now - then for now, then in zip(stamped_by_path(middle)["b"], before)]
            if max(came) >= CUT_AFTER:
                path = came.index(max(came))
                lost_before = middle.lost_by_cut(path)
                waited.append(middle.waited_for_core())
                middle.ask_wire({"set": {"path": f"fabric{path}", "cut": True}})
                cut_at.append(time.monotonic())
                break
        if cut_at:
            wait_for(lambda: middle.paths("a")[path]["state"] == "dead", 20, "the cut path to be known dead")
            cut_at.append(time.monotonic())
            waited.append(middle.waited_for_core())

    stop = threading.Event()
    middle.start_captures()
    thread = threading.Thread(target=cut_when_it_runs, args=(stop,))
    thread.start()
    try:
        problems = run_pair(guests["a"], guests["b"], kind, command)
    finally:
        stop.set()
        thread.join()
        middle.stop_captures(lossy=True)
        if path is not None:
            middle.ask_wire({"set": {"path": f"fabric{path}", "cut": False}})
    for entered, left in DIRECTIONS:
        wrong, _, _ = compare.compare(os.path.join(state, entered), os.path.join(state, left))
        problems += [text for text in wrong if "lost" not in text or "out of order" in text]
    if len(cut_at) < 2:
        problems.append("the command was over before a path was cut, or the path was never known dead; packets by path: "
                        f"{stamped_by_path(middle)['b']}")
        return problems
    say(f"path {path} was known dead {cut_at[1] - cut_at[0]:.3f} s after it was cut, of which a gateway's threads waited up to "
        f"{waited[1] - waited[0]:.3f} s for a core; {middle.lost_by_cut(path) - lost_before} frames were lost on it, "
        "probes included")
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
            disorder_before = disorder(guests)
            middle.start_captures()
            found = run_pair(guests["a"], guests["b"], kind, command,
                             QP_TIMEOUT_SPRAYED if options.spray else QP_TIMEOUT)
            middle.stop_captures()
            frames = 0
            for entered, left in DIRECTIONS:
                wrong, seen, _ = compare.compare(os.path.join(state, entered), os.path.join(state, left))
                found += [f"{entered} -> {left}: {text}" for text in wrong]
                if not seen:
                    found.append(f"{entered}: no RoCE frame was captured")
                frames += seen
            found += changed_drops(before, middle.drops())
            seen_again = changed_disorder(disorder_before, disorder(guests))
            if options.spray:
                found += seen_again
            say(f"{'FAILED' if found else 'passed'}: MTU {mtu} IP{kind} {command}: {frames} RoCE frames "
                f"in {time.monotonic() - started:.1f} s" + "".join(f"; {text}" for text in seen_again))
            for problem in found:
                print("  " + problem.replace("\n", "\n  "), flush=True)
            problems += [(mtu, kind, command)] if found else []
            if found and options.keep:
                for file in ("a.rx", "a.tx", "b.rx", "b.tx"):
                    shutil.copy(os.path.join(state, f"{file}.pcap"),
                                os.path.join(state, f"failed-{len(problems)}.{file}.pcap"))
        if options.spray:
            problems += unused_paths(middle)
            for kind, command in CUTS:
                found = cut_in_the_middle(guests, middle, state, kind, command)
                say(f"{'FAILED' if found else 'passed'}: MTU {mtu} IP{kind} {command}, a path cut meanwhile")
                for problem in found:
                    print("  " + problem.replace("\n", "\n  "), flush=True)
                problems += [(mtu, kind, command)] if found else []
    return problems


def main():
    parser = argparse.ArgumentParser(prog="lab rdma", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter, add_help=True)
    parser.add_argument("--spray", action="store_true")
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
    if options.control and options.spray:
        parser.error("--control has one path; leave out --spray")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))

    state = tempfile.mkdtemp(prefix="braidway-lab-")
    started, problems = time.monotonic(), []
    try:
        mixed_verbs = os.path.join(options.build, "tests", "lab", "mixed-verbs")
        if subprocess.run([os.path.join(HERE, "image.sh"), options.cache, mixed_verbs]).returncode:
            return 3
        for mtu in mtus:
            between = SprayedGateways if options.spray else Gateways
            middle = Bridge(state, mtu) if options.control else between(state, options.build, mtu)
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
    total = (len(commands) + (len(CUTS) if options.spray else 0)) * len(mtus)
    failed = len({problem for problem in problems if not isinstance(problem, str)})
    say(f"{total - failed} of {total} commands passed in {time.monotonic() - started:.0f} s")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
