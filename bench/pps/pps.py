#!/usr/bin/env python3
"""Packet rate of braidway against testpmd: the same frames, one forwarding core, interleaved.

    scripts/bench pps [--json FILE] [--pairs 10] [--seconds 1] [--qps 64,10000,1000000] ...

A round measures 5tswap, braidway, 5tswap, braidway, macswap, io (every second round backwards); the peer that is not
measured is stopped by signal. Each round has fresh processes, so that the luck of one memory layout is part of the
spread. Rates are per second in which the forwarding thread had its core: time it waited for the core is left out, for
both alike. What the hypervisor steals cannot be left out; it is in the noise (A against A).

After that, as many rounds with 64 QPs show what publishing 1,000 path tables a second costs braidway: its rate with and
without by turns, and whether all frames of a capture that is played once meanwhile go out.

JSON: "ratio" is braidway's rate by testpmd's, {mode: {QPs: median}}; "noise" the widest spread (p10 to p90) of a
program against itself; "cycles" the cycles per packet of braidway's stages at the first number of QPs, from the turns
it times; "publish" the rate with publishing by that without ("ratio", "spread"), the rate without against itself
("noise"), "published_per_second" and packets "lost"; "cases" every sample of the packet rates.
"""
import argparse
import contextlib
import dataclasses
import json
import pathlib
import statistics

import frames
import measure
import memory
import publish
from measure import say
from peers import MODES, Braidway, Setup, Testpmd

PLAN = ("5tswap", "braidway", "5tswap", "braidway", "macswap", "io")


def sample_braidway(braidway, seconds):
    """A sample with cycles per packet of each stage in it, of the packets that were timed. Stages count TSC cycles,
    those in which another program had the core included: they are scaled by the share that was the gateway's own."""
    result, first, last = measure.sample(braidway, seconds, braidway.stages)
    result["cycles"] = {}
    for stage, (timed, cycles) in last.items():
        if timed > first[stage][0]:
            per_packet = (cycles - first[stage][1]) / (timed - first[stage][0])
            result["cycles"][stage] = per_packet * result["core_share"]
    return result


def measure_round(setup, build, seconds, backwards):
    """One round: {what: [sample, ...]}, and the TSC frequency. Without a build, testpmd alone."""
    plan = PLAN if build else tuple(what for what in PLAN if what != "braidway")
    result = {what: [] for what in plan}
    with contextlib.ExitStack() as stack:
        testpmd = stack.enter_context(Testpmd(setup))
        if build:
            braidway = stack.enter_context(Braidway(setup, build))
            braidway.wait_forwarding()
            braidway.pause()
        for what in reversed(plan) if backwards else plan:
            if what == "braidway":
                result[what].append(sample_braidway(braidway, seconds))
            else:
                testpmd.resume()
                testpmd.forward(what)
                result[what].append(measure.sample(testpmd, seconds)[0])
        return result, testpmd.tsc_hz()


def evaluate(rounds, tsc_hz):
    """The figures of one number of QPs."""
    def means(what):
        return [statistics.mean(sample["pps"] for sample in result[what]) for result in rounds]

    case = {"pps": {}, "cycles_per_packet": {}, "ratio": {}, "noise": {}, "stage_cycles": {}, "rounds": rounds}
    for what in rounds[0]:
        case["pps"][what] = measure.summary(means(what))
        case["cycles_per_packet"][what] = tsc_hz / case["pps"][what]["median"]
    for what in ("5tswap", "braidway"):
        if what in rounds[0]:
            against_itself = [first["pps"] / second["pps"] for first, second in (result[what] for result in rounds)]
            case["noise"][what] = measure.summary(against_itself) | {"spread": measure.spread(against_itself)}
    io = case["cycles_per_packet"]["io"]
    case["cycles_above_io"] = {what: cycles - io for what, cycles in case["cycles_per_packet"].items() if what != "io"}
    if "braidway" in rounds[0]:
        ours = means("braidway")
        for mode in MODES:
            case["ratio"][mode] = measure.summary([a / b for a, b in zip(ours, means(mode))])
        samples = [sample for result in rounds for sample in result["braidway"]]
        case["stage_cycles"] = {stage: statistics.median(sample["cycles"].get(stage, 0.0) for sample in samples)
                                for stage in samples[0]["cycles"]}
    case["core_share"] = min(sample["core_share"] for result in rounds for samples in result.values()
                             for sample in samples)
    return case


def measure_case(setup, args):
    """All rounds of one number of QPs."""
    say(f"bench: {setup.qps} QPs: writing {frames.frame_count(setup.qps)} frames")
    frames.write(setup.capture, setup.qps)
    peers = 1 if args.testpmd_only else 2
    rounds = []
    with memory.hugepages(peers * setup.memory_mib):
        for number in range(args.pairs):
            result, tsc_hz = measure_round(setup, None if args.testpmd_only else args.build, args.seconds, number % 2)
            rounds.append(result)
            rates = ", ".join(f"{what} " + " ".join(f"{sample['pps'] / 1e6:.2f}" for sample in result[what])
                              for what in dict.fromkeys(PLAN) if what in result)
            say(f"bench: {setup.qps} QPs, round {number + 1} of {args.pairs}, Mpps: {rates}")
    return evaluate(rounds, tsc_hz), tsc_hz


def report(cases, published, missing, conditions):
    """The JSON document: the agreed keys first, whatever else is useful after them."""
    noise = [detail["spread"] for case in cases.values() for detail in case["noise"].values()]
    first = next(iter(cases.values()), {"stage_cycles": {}})
    return {
        "noise": max(noise, default=None),
        "ratio": {mode: {qps: case["ratio"][mode]["median"] for qps, case in cases.items() if case["ratio"]}
                  for mode in MODES},
        "cycles": first["stage_cycles"],
        "publish": published,
        "missing": missing,
        "conditions": conditions,
        "cases": cases,
    }


def table(document):
    lines = []
    for qps, case in document["cases"].items():
        lines.append(f"\n{int(qps):,} QPs\n  {'':10} {'Mpps (p10 to p90)':>24}{'cycles/packet':>16}{'above io':>11}"
                     "   braidway/peer (p10 to p90)")
        for what in ("io", "macswap", "5tswap", "braidway"):
            if what not in case["pps"]:
                continue
            rate = case["pps"][what]
            millions = {key: value / 1e6 for key, value in rate.items()}
            line = (f"  {what:10} {millions['median']:7.2f} ({millions['p10']:6.2f} to {millions['p90']:6.2f})"
                    f"{case['cycles_per_packet'][what]:14.1f}{case['cycles_above_io'].get(what, 0.0):11.1f}")
            if what in case["ratio"]:
                ratio = case["ratio"][what]
                line += f"   {ratio['median']:.3f} ({ratio['p10']:.3f} to {ratio['p90']:.3f})"
            lines.append(line)
        for what, noise in case["noise"].items():
            lines.append(f"  noise, {what} against itself: {noise['median']:.3f} "
                         f"({noise['p10']:.3f} to {noise['p90']:.3f})")
        if case["stage_cycles"]:
            lines.append("  cycles/packet by stage: " + ", ".join(
                f"{stage} {cycles:.1f}" for stage, cycles in case["stage_cycles"].items()))
        lines += measure.core_share_notes(case["core_share"])
    if document["publish"]:
        lines += publish.table(document["publish"])
    lines += [f"\n{what}: not measured: {reason}" for what, reason in document["missing"].items()]
    return "\n".join(lines)


def numbers(text):
    return [int(word) for word in text.split(",") if word]


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench pps", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the figures here")
    parser.add_argument("--pairs", type=int, default=10, help="rounds for each number of QPs (default 10)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a sample (default 1)")
    parser.add_argument("--qps", type=numbers, default="64,10000,1000000",
                        help="numbers of QPs (default 64,10000,1000000); '': only publishing")
    parser.add_argument("--paths", type=int, default=4, help="fabric ports of braidway, 1 to 16 (default 4)")
    parser.add_argument("--burst", type=int, default=64, help="burst of testpmd (default 64, as braidway's)")
    parser.add_argument("--testpmd-only", action="store_true",
                        help="the peer and this machine's noise, without braidway and its publishing")
    measure.add_core_options(parser)
    args = parser.parse_args()
    if args.pairs < 1 or args.seconds <= 0 or not 1 <= args.paths <= 16:
        parser.error("--pairs, --seconds and --paths must be positive, --paths at most 16")
    if not all(0 < qps <= frames.MAX_QPS for qps in args.qps):
        parser.error(f"--qps: 1 to {frames.MAX_QPS}")
    return args


def main():
    args = parse()
    measure.check_cores(args)
    cases, published, missing, tsc_hz = {}, None, {}, None
    with measure.session(args.control_core) as directory:
        setup = Setup(capture=str(directory / "frames.pcap"), qps=0, core=args.core, control_core=args.control_core,
                      paths=args.paths, burst=args.burst, directory=directory)
        for qps in args.qps:
            case = dataclasses.replace(setup, qps=qps)
            try:
                cases[str(qps)], tsc_hz = measure_case(case, args)
            except memory.NotEnough as reason:
                say(f"bench: {qps} QPs are left out: {reason}")
                missing[f"{qps:,} QPs"] = str(reason)
        if not args.testpmd_only:
            try:
                published = publish.measure_publish(setup, args)
            except memory.NotEnough as reason:
                say(f"bench: publishing is left out: {reason}")
                missing["publishing"] = str(reason)
        conditions = {
            "frame_octets": frames.FRAME_OCTETS,
            "frames": {str(qps): frames.frame_count(qps) for qps in args.qps},
            "memory_mib": {str(qps): dataclasses.replace(setup, qps=qps).memory_mib for qps in args.qps},
            "pairs": args.pairs, "seconds": args.seconds, "paths": args.paths, "testpmd_burst": args.burst,
            "core": args.core, "tsc_hz": tsc_hz,
        }
    document = report(cases, published, missing, conditions)
    if args.json:
        args.json.write_text(json.dumps(document, indent=1) + "\n")
    print(table(document))
    return 0 if cases or published else 1


if __name__ == "__main__":
    measure.run(main)
