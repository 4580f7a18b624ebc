"""What every packet-rate measurement shares: samples, their statistics, and an orderly way in and out."""
import contextlib
import fcntl
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import time

from process import BenchError

SETTLE_SECONDS = 0.2  # a ring of a million frames has gone round, caches and branch predictors are warm


def say(text):
    print(text, file=sys.stderr, flush=True)


def sample(process, seconds, also=lambda: None, meanwhile=time.sleep):
    """Resumes the process, measures while `meanwhile(seconds)` runs, pauses it again: packets per second on the core,
    the share it had of it, and the seconds it took. What `also` returns at the beginning and at the end comes along."""
    process.resume()
    try:
        process.wait_forwarding()
        time.sleep(SETTLE_SECONDS)
        also_first = also()
        first = process.read()
        meanwhile(seconds)
        last = process.read()
        also_last = also()
    finally:
        process.pause()
    wall = last.at - first.at
    on_core = wall - (last.waited - first.waited)
    result = {"pps": (last.packets - first.packets) / on_core, "core_share": on_core / wall, "seconds": wall}
    return result, also_first, also_last


def percentile(values, share):
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def spread(values):
    """Width of the middle 80 %."""
    return percentile(values, 0.9) - percentile(values, 0.1)


def summary(values):
    return {"median": statistics.median(values), "p10": percentile(values, 0.1), "p90": percentile(values, 0.9),
            "min": min(values), "max": max(values)}


def core_share_notes(share):
    """What to say of the smallest share a sample had of its core, as lines of a table."""
    if share >= 0.98:
        return []
    return [f"  other programs took up to {1 - share:.0%} of the forwarding core in a sample: "
            "that time is left out of the rates, what it did to the caches is not"]


class Ended(BaseException):
    """A signal asked the measurement to end."""


@contextlib.contextmanager
def session(control_core):
    """A temporary directory, on the control core, alone, and left in order however it ends: a first signal unwinds,
    further ones are ignored while it does."""
    def end(number, _):
        for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)
        raise Ended(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    os.sched_setaffinity(0, {control_core})
    machine = os.open("/sys/kernel/mm", os.O_RDONLY)  # a lock that is there on any Linux and leaves nothing behind
    try:
        try:
            fcntl.flock(machine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BenchError("another measurement is running, and each would spoil the other: wait for it") from error
        with tempfile.TemporaryDirectory(prefix="braidway-bench-") as directory:
            yield pathlib.Path(directory)
    finally:
        os.close(machine)


def run(program):
    """Runs a program's main; errors become one sentence and exit code 1."""
    try:
        sys.exit(program())
    except BenchError as error:
        say(f"bench: {error}")
        sys.exit(1)
    except Ended as ended:
        say(f"bench: ended by {ended}")
        sys.exit(130)


def add_core_options(parser):
    cores = sorted(os.sched_getaffinity(0))
    parser.add_argument("--core", type=int, default=cores[-1], help="forwarding core (default: the last)")
    parser.add_argument("--control-core", type=int, default=cores[0],
                        help="core of everything else (default: the first)")
    parser.add_argument("--build", type=pathlib.Path, default=os.environ.get("BRAIDWAY_BUILD", "build"),
                        help="build directory of braidway")


def check_cores(args):
    if args.core == args.control_core:
        raise BenchError("two cores are needed: one forwards, everything else runs on the other")
