#!/usr/bin/env python3
"""Time from the start of the daemon to its first forwarded packet, on software ports with default memory settings.

    scripts/bench start [--json FILE] [--times 10]

The clock starts before exec and stops when the daemon's own transmit counters, polled each millisecond, show a packet:
an upper bound. The capture it is fed with is in the page cache.
"""
import argparse
import json
import pathlib
import statistics
import time

import frames
import measure
from peers import Braidway, Setup


def start_once(setup, build):
    """Seconds to the first packet, and MiB held then."""
    begin = time.monotonic()
    with Braidway(setup, build, default_memory=True) as braidway:
        braidway.wait_first_packet()
        return time.monotonic() - begin, braidway.memory_mib()


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench start", description="start to first forwarded packet")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the figures here")
    parser.add_argument("--times", type=int, default=10, help="starts (default 10)")
    parser.add_argument("--paths", type=int, default=4, help="fabric ports (default 4)")
    measure.add_core_options(parser)
    args = parser.parse_args()
    measure.check_cores(args)
    with measure.session(args.control_core) as directory:
        setup = Setup(capture=str(directory / "frames.pcap"), qps=64, core=args.core, control_core=args.control_core,
                      paths=args.paths, burst=64, directory=directory)
        frames.write(setup.capture, setup.qps)
        starts = [start_once(setup, args.build) for _ in range(args.times)]
    seconds = [seconds for seconds, _ in starts]
    document = {"seconds": measure.summary(seconds), "memory_mib": statistics.median(mib for _, mib in starts),
                "starts": seconds}
    if args.json:
        args.json.write_text(json.dumps(document, indent=1) + "\n")
    print(f"start to first forwarded packet: median {statistics.median(seconds):.3f} s, longest {max(seconds):.3f} s "
          f"of {len(seconds)}; memory held then: {document['memory_mib']:.0f} MiB")
    return 0


if __name__ == "__main__":
    measure.run(main)
