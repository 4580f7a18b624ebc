#!/usr/bin/env python3
"""Whether a run of the main job was a good one, from what `scripts/run --json FILE` wrote.   run_verdict.py FILE"""
import json
import sys

import tree

PATHS = 4


def check(run):
    problems = []
    if run["sent"] <= 0 or run["delivered"] != run["sent"]:
        problems.append(f"{run['delivered']} of {run['sent']} packets were delivered")
    problems += [f"{run[key]} {key}" for key in ("lost", "reordered", "icrc_errors") if run[key]]
    problems += [f"{count} dropped: {reason}" for reason, count in run["drops"].items() if count]
    if len(run["paths"]) != PATHS:
        problems.append(f"{len(run['paths'])} paths instead of {PATHS}")
    problems += [f"path {path['name']} carried nothing" for path in run["paths"] if path["packets"] <= 0]
    return problems


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        tree.report(check(json.load(file)), "everything sent was delivered, in order, over every path")
