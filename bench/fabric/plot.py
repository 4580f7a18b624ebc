#!/usr/bin/env python3
"""Draws what the fabric simulator finds, as PNG.   plot.py PROGRAM FOLDER [--scenario NAME] [--load N] [--seeds N]
                                                         [--schemes a,b]

    slowdown.png              mean and 99th percentile of slowdown against load (scenario `load`, loads 20 to 80 %)
    completion.png            distribution of flows' completion times, on the published list (50 or 80 %) next to
                              that load
    utilisation-SCHEME.png    what each uplink of each leaf carries over time, on the same list

With --scenario periodic, of each scheme with foresight, over the last 40 ms of a run:

    forecast-SCHEME.png       what others put on each path that they use, what the gateway saw of it, and what it
                              forecast 1 ms before (an oracle forecasts nothing)
    weights-SCHEME.png        the paths' weights

PROGRAM is braidway-fabric. Runs it as often as it takes, from the top of the tree.
"""
import argparse
import collections
import json
import os
import statistics
import subprocess
import tempfile

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend must be chosen first)

ANCHORS = "bench/fabric/anchors"
LOADS = (20, 35, 50, 65, 80)
SCHEMES = "ecmp,conga,conweave,spray-ideal,auto"
FORESEEING = "idle-move+forecast,auto+forecast,idle-move+oracle,auto+oracle"
BEHIND_MS, AHEAD_MS = 0.55, 0.95  # Foresight
SHOWN_MS = 40


def simulate(program, *options, may_miss_goals=False):
    done = subprocess.run([program, *map(str, options)], capture_output=True, text=True, check=False)
    if done.returncode not in ((0, 1) if may_miss_goals else (0,)):
        raise SystemExit(f"plot: {program} {' '.join(map(str, options))}: {done.stderr.strip()}")


def save(figure, folder, name):
    path = os.path.join(folder, name)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    print(path)


def slowdown_against_load(arguments, scratch):
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for load in LOADS:
        path = os.path.join(scratch, f"load{load}.json")
        simulate(arguments.program, "--scenario", "load", "--load", load, "--seeds", arguments.seeds,
                 "--schemes", arguments.schemes, "--json", path, may_miss_goals=True)
        with open(path, encoding="utf-8") as file:
            for run in json.load(file)["runs"]:
                found[run["scheme"]][load].append((run["mean"], run["p99"]))
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4))
    for place, (axis, name) in enumerate(zip(axes, ("mean", "99th percentile"))):
        for scheme, by_load in found.items():
            axis.plot(LOADS, [statistics.geometric_mean(run[place] for run in by_load[load]) for load in LOADS],
                      marker="o", label=scheme)
        axis.set(xlabel="load, % (80 is 40 % of hosts' links)", ylabel=f"slowdown, {name}", yscale="log")
        axis.grid(True, which="both", alpha=0.3)
    axes[0].legend()
    save(figure, arguments.folder, "slowdown.png")


def completion_and_utilisation(arguments, scratch):
    completion, axis = pyplot.subplots(figsize=(7, 4))
    for scheme in arguments.schemes.split(","):
        flows, ports = (os.path.join(scratch, f"{scheme}.{kind}") for kind in ("fct", "utilisation"))
        simulate(arguments.program, "--topology", f"{ANCHORS}/leaf-spine-32.topology.txt", "--flows",
                 f"{ANCHORS}/alistorage-load{arguments.load}.flows.txt.gz", "--scheme", scheme,
                 "--fct-out", flows, "--utilisation-out", ports)
        with open(flows, encoding="utf-8") as file:
            times = sorted(int(line.split()[6]) / 1e3 for line in file)
        axis.plot(times, [(i + 1) / len(times) for i in range(len(times))], label=scheme)
        utilisation(arguments, scheme, ports)
    axis.set(xlabel="completion time of a flow, us", ylabel="share of flows", xscale="log", ylim=(0, 1))
    axis.grid(True, which="both", alpha=0.3)
    axis.legend()
    save(completion, arguments.folder, "completion.png")


def utilisation(arguments, scheme, path):
    # Leaves come before spines in the published topology: the way up is from the lower number.
    leaves = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(path, encoding="utf-8") as file:
        for line in file:
            time, source, destination, share = line.split()
            if int(source) < int(destination):
                leaves[int(source)][int(destination)].append((int(time) / 1e6, float(share) * 100))
    figure, axes = pyplot.subplots(len(leaves), 1, figsize=(8, 2 * len(leaves)), sharex=True, squeeze=False)
    for axis, (leaf, spines) in zip(axes[:, 0], sorted(leaves.items())):
        first = min(points[0][0] for points in spines.values())
        for spine, points in sorted(spines.items()):
            axis.plot([time - first for time, _ in points], [share for _, share in points], linewidth=0.8,
                      label=f"to {spine}")
        axis.set(ylabel=f"leaf {leaf}, %", ylim=(0, 105))
        axis.grid(True, alpha=0.3)
    axes[0, 0].set_title(f"{scheme}: data on each uplink, load {arguments.load} %")
    axes[0, 0].legend(ncol=4, fontsize="small")
    axes[-1, 0].set_xlabel("time, ms")
    save(figure, arguments.folder, f"utilisation-{scheme}.png")


def read_foresight(path):
    """By path of the first peer: columns of time (ms), truth, seen, forecast and weight, of the last SHOWN_MS."""
    paths = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for line in file:
            time, peer, number, *values = line.split()
            paths[int(peer), int(number)].append((int(time) / 1e6, *map(float, values)))
    if not paths:
        return {}
    first_peer = min(paths)[0]
    end = max(rows[-1][0] for rows in paths.values())
    return {number: list(zip(*(row for row in rows if row[0] > end - SHOWN_MS)))
            for (peer, number), rows in sorted(paths.items()) if peer == first_peer}


def known(times, values, shift):
    """Those that are told, at the times they are about."""
    return list(zip(*((time + shift, value) for time, value in zip(times, values) if value >= 0))) or ([], [])


def forecast_against_truth(arguments, scheme, paths):
    used = [number for number, (_, truth, *_) in paths.items() if max(truth) > 0]
    figure, axes = pyplot.subplots(len(used), 1, figsize=(9, 2 * len(used)), sharex=True, squeeze=False)
    for axis, number in zip(axes[:, 0], used):
        time, truth, seen, forecast, _ = paths[number]
        axis.fill_between(time, truth, step="pre", alpha=0.3, label="truth")
        axis.plot(*known(time, seen, -BEHIND_MS), ".", markersize=4, label="seen")
        axis.plot(*known(time, forecast, AHEAD_MS), linewidth=0.9, label=f"forecast {AHEAD_MS} ms before")
        axis.set(ylabel=f"path {number}", ylim=(-0.05, 1.05), xlim=(time[0], time[-1]))
        axis.grid(True, alpha=0.3)
    axes[0, 0].set_title(f"{scheme}: load of others, part of a path's capacity")
    axes[0, 0].legend(ncol=3, fontsize="small", loc="upper right")
    axes[-1, 0].set_xlabel("time, ms")
    save(figure, arguments.folder, f"forecast-{scheme}.png")


def weights_over_time(arguments, scheme, paths):
    figure, axes = pyplot.subplots(len(paths), 1, figsize=(9, 1.2 * len(paths)), sharex=True, squeeze=False)
    for axis, (number, (time, truth, _, _, weight)) in zip(axes[:, 0], paths.items()):
        axis.fill_between(time, truth, step="pre", alpha=0.3, label="load of others")
        axis.step(time, weight, where="post", linewidth=0.9, label="weight")
        axis.set(ylabel=f"path {number}", ylim=(0, max(1.1, *weight)), xlim=(time[0], time[-1]))
        axis.grid(True, alpha=0.3)
    axes[0, 0].set_title(f"{scheme}: weights of paths")
    axes[0, 0].legend(ncol=2, fontsize="small", loc="upper right")
    axes[-1, 0].set_xlabel("time, ms")
    save(figure, arguments.folder, f"weights-{scheme}.png")


def foresight(arguments, scratch):
    for scheme in arguments.schemes.split(","):
        if "+" not in scheme:
            continue
        path = os.path.join(scratch, f"{scheme}.foresight")
        simulate(arguments.program, "--scenario", arguments.scenario, "--schemes", scheme, "--seeds", 1,
                 "--foresight-out", path, may_miss_goals=True)
        paths = read_foresight(path)
        if not scheme.endswith("+oracle"):
            forecast_against_truth(arguments, scheme, paths)
        weights_over_time(arguments, scheme, paths)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("--scenario", default="load")
    parser.add_argument("--load", type=lambda load: 50 if int(load) < 65 else 80, default=80)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--schemes")
    given = parser.parse_args()
    given.schemes = given.schemes or (FORESEEING if given.scenario == "periodic" else SCHEMES)
    os.makedirs(given.folder, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        if given.scenario == "periodic":
            foresight(given, folder)
        else:
            completion_and_utilisation(given, folder)
            slowdown_against_load(given, folder)
