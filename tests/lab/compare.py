#!/usr/bin/env python3
"""Says whether what entered one gateway's host port left the other's: every RoCEv2 frame, byte for byte, in order per
flow, nothing extra, every ICRC right.

    compare.py ENTERED.pcap LEFT.pcap [ENTERED.pcap LEFT.pcap ...]

One pair of captures a direction. A flow is (source IP, destination IP, destination QPN). Exit code 0: all is well;
1: it is not, and each flow that suffered is named with what happened to it; 2: the captures cannot be used.
"""
import argparse
import bisect
import collections
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))
import roce  # noqa: E402

SHOWN = 5  # examples of each kind of damage a flow's report shows


def by_flow(frames):
    flows = collections.defaultdict(list)
    for frame in frames:
        packet = roce.parse(frame.data)
        if packet is not None:
            flows[packet.flow].append((frame.data, packet))
    return flows


def describe(packets):
    names = [f"psn {p.psn} opcode 0x{p.opcode:02x}" for p in packets[:SHOWN]]
    return ", ".join(names) + (f" and {len(packets) - SHOWN} more" if len(packets) > SHOWN else "")


def overtaken(entered, left):
    """The frames that left after one that had entered behind them. Retransmissions may be the same byte for byte:
    each that left is taken for the first such frame that entered behind what left before, which finds an order where
    there is one."""
    places = collections.defaultdict(list)
    for place, (data, _) in enumerate(entered):
        places[data].append(place)
    late, behind = [], -1
    for data, _ in left:
        next_place = bisect.bisect_right(places[data], behind)
        if next_place < len(places[data]):
            behind = places[data][next_place]
        elif places[data]:
            late.append(data)
    return late


def compare_flow(entered, left):
    """What happened to one flow on its way, as sentences; none when it is untouched and in order."""
    if [data for data, _ in entered] == [data for data, _ in left]:
        return []
    counts_in = collections.Counter(data for data, _ in entered)
    counts_out = collections.Counter(data for data, _ in left)
    packet_of = {data: packet for data, packet in entered + left}
    gone = [packet_of[data] for data in (counts_in - counts_out).elements()]
    extra = list((counts_out - counts_in).elements())
    repeated = [packet_of[data] for data in extra if data in counts_in]
    strange = [packet_of[data] for data in extra if data not in counts_in]
    # A frame that is gone and a strange one of the same place in the flow are one frame, changed on the way.
    place = collections.Counter((p.psn, p.opcode) for p in gone)
    changed, invented = [], []
    for packet in strange:
        if place[(packet.psn, packet.opcode)] > 0:
            place[(packet.psn, packet.opcode)] -= 1
            changed.append(packet)
        else:
            invented.append(packet)
    lost = []
    for packet in gone:
        if place[(packet.psn, packet.opcode)] > 0:
            place[(packet.psn, packet.opcode)] -= 1
            lost.append(packet)
    problems = [(lost, "lost"), (repeated, "left more often than they entered"), (changed, "changed on the way"),
                (invented, "left without having entered")]
    report = [f"{len(packets)} {what}: {describe(packets)}" for packets, what in problems if packets]
    late = [packet_of[data] for data in overtaken(entered, left) if data not in extra]
    if late:
        report.append(f"{len(late)} out of order: {describe(late)}")
    return report


def compare(entered_file, left_file):
    """(report lines of problems, RoCE frames that entered, flows) of one direction."""
    entered, left = by_flow(roce.read_frames(entered_file)), by_flow(roce.read_frames(left_file))
    problems = []
    for flow in sorted(set(entered) | set(left)):
        problems += [f"{flow}: {text}" for text in compare_flow(entered[flow], left[flow])]
    for where, flows in (("entering", entered), ("leaving", left)):
        for flow, packets in sorted(flows.items()):
            wrong = [packet for _, packet in packets if not packet.icrc_right]
            if wrong:
                problems.append(f"{flow}: {len(wrong)} wrong ICRC when {where}: {describe(wrong)}")
    return problems, sum(map(len, entered.values())), sum(1 for packets in entered.values() if packets)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="+", metavar="PCAP")
    options = parser.parse_args(arguments)
    if len(options.captures) % 2:
        parser.error("captures come in pairs: what entered, what left")
    bad = False
    for entered, left in zip(options.captures[::2], options.captures[1::2]):
        name = f"{os.path.basename(entered)} -> {os.path.basename(left)}"
        try:
            problems, frames, flows = compare(entered, left)
        except (OSError, roce.CaptureError) as error:
            print(f"compare: {error}", file=sys.stderr)
            return 2
        if not frames and not problems:
            problems = ["no RoCEv2 frame entered: nothing was shown"]
        if problems:
            bad = True
            print(f"{name}: {len(problems)} problem(s) in {frames} frames of {flows} flows")
            for problem in problems:
                print(f"  {problem}")
        else:
            print(f"{name}: {frames} frames of {flows} flows, all byte for byte, in order, every ICRC right")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
